"""Patterns of series: kernels, dilations, convolutions and shares against sums written out."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.kinds.series.patterns import (
    NUM_KERNELS,
    WEIGHTS,
    Patterns,
    channel_subsets,
    convolved,
    settled_patterns,
    spread_dilations,
)


def by_hand(series: np.ndarray, kernel: int, dilation: int, place: int) -> list[float]:
    """The same convolution, a step and a tap at a time."""
    channels = [0] if series.shape[1] == 1 else channel_subsets(series.shape[1], place)[kernel]
    found = []
    for step in range(len(series)):
        total = 0.0
        for tap in range(9):
            at = step + (tap - 4) * dilation
            if 0 <= at < len(series):
                total += float(WEIGHTS[kernel, tap]) * float(series[at, channels].sum())
        found.append(total)
    return found


def noise(steps: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((steps, channels)).astype(np.float32)


def test_there_are_84_different_kernels_that_do_not_see_the_level() -> None:
    assert WEIGHTS.shape == (84, 9)
    assert len({tuple(row) for row in WEIGHTS.tolist()}) == 84
    assert (WEIGHTS.sum(axis=1) == 0).all()
    assert ((WEIGHTS == 2).sum(axis=1) == 3).all()


@pytest.mark.parametrize(
    ("length", "most", "expected"),
    # The longest kernel has 8 gaps: it fits into 65 steps with a dilation of 8, and not with 9.
    [(65, 4, (1, 2, 4, 8)), (64, 4, (1, 3, 7)), (24, 16, (1, 2)), (9, 5, (1,)), (1, 5, (1,))],
)
def test_dilations_are_spread_up_to_the_length(length: int, most: int, expected: tuple[int, ...]) -> None:
    assert spread_dilations(length, most) == expected


@pytest.mark.parametrize(("channels", "dilation"), [(1, 1), (1, 3), (5, 2)])
def test_a_convolution_is_the_sum_over_its_taps_with_zeros_outside(channels: int, dilation: int) -> None:
    series = noise(17, channels)
    found = convolved(series, dilation, 3)
    assert found.shape == (NUM_KERNELS, 17)
    for kernel in (0, 41, 83):
        np.testing.assert_allclose(found[kernel], by_hand(series, kernel, dilation, 3), atol=1e-5)


def test_channels_are_added_up_in_sets_of_one_to_nine_and_all_take_part() -> None:
    subsets = [each for place in range(3) for each in channel_subsets(13, place)]
    sizes = {len(each) for each in subsets}
    assert min(sizes) == 1
    assert 5 <= max(sizes) <= 9
    assert {channel for each in subsets for channel in each} == set(range(13))
    assert all(len(set(each)) == len(each) for each in subsets)
    assert channel_subsets(13, 0) != channel_subsets(13, 1)


def test_shares_count_the_steps_above_each_threshold_inside_the_series_or_with_zeros_around_it() -> None:
    series = noise(23, 1)
    thresholds = np.zeros((2, NUM_KERNELS, 2), dtype=np.float32)
    thresholds[:, :, 1] = 1.5
    patterns = Patterns((1, 2), thresholds, 1)
    found = patterns.shares(series).reshape(2, NUM_KERNELS, 2)
    assert patterns.num_features == 2 * 84 * 2
    for place, dilation in enumerate((1, 2)):
        for kernel in (6, 31):
            outputs = np.array(by_hand(series, kernel, dilation, place))
            # Every second pair of dilation and kernel stays inside.
            if (place + kernel) % 2 == 0:
                outputs = outputs[4 * dilation : 23 - 4 * dilation]
            expected = [np.mean(outputs > 0.0), np.mean(outputs > 1.5)]
            np.testing.assert_allclose(found[place, kernel], expected, atol=1e-6)


def test_a_series_that_no_kernel_fits_into_is_seen_with_zeros_around_it() -> None:
    patterns = Patterns((1,), np.zeros((1, NUM_KERNELS, 1), dtype=np.float32), 1)
    series = noise(3, 1)
    expected = [np.mean(np.array(by_hand(series, kernel, 1, 0)) > 0.0) for kernel in range(NUM_KERNELS)]
    np.testing.assert_allclose(patterns.shares(series), expected, atol=1e-6)


def test_thresholds_are_quantiles_of_training_outputs() -> None:
    series = [noise(31, 1, seed) for seed in range(5)]
    patterns = settled_patterns(series, num_dilations=2, num_thresholds=6)
    assert patterns.dilations == (1, 3)
    assert patterns.thresholds.shape == (2, NUM_KERNELS, 3)
    outputs = np.concatenate([convolved(each, 1, 0)[1] for each in series])
    # The second kernel's own places in a sequence of golden ratios, of three thresholds a kernel.
    places = np.array([4, 5, 6]) * (1 + 5**0.5) / 2 % 1
    np.testing.assert_allclose(patterns.thresholds[0, 1], np.quantile(outputs, places), rtol=1e-6)
    # As they are quantiles, shares of the series that they come from are spread evenly.
    shares = np.mean([patterns.shares(each) for each in series], axis=0)
    assert shares.mean() == pytest.approx(0.5, abs=0.02)


def test_patterns_are_the_same_from_their_thresholds_in_a_row() -> None:
    patterns = settled_patterns([noise(19, 3)], num_dilations=3, num_thresholds=4)
    again = Patterns.of_flat(list(patterns.dilations), patterns.thresholds.ravel(), 3)
    series = noise(11, 3, 7)
    assert np.array_equal(again.shares(series), patterns.shares(series))
