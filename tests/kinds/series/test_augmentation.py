"""Random changes of series, on numbers that can be followed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.kinds.series.augmentation import (
    at_times,
    crop,
    draw_gains,
    stretch_time,
    vary_series,
    warp_time,
)
from perceivers.kinds.series.options import SeriesOptions

RAMP = np.float32([[0, 100], [1, 101], [2, 102], [3, 103], [4, 104]])


@pytest.mark.parametrize(
    ("start", "share", "kept"),
    [
        (0.0, 0.6, [0, 1, 2]),
        (1.0, 0.6, [2, 3, 4]),
        (0.5, 0.6, [1, 2, 3]),
        (0.0, 0.01, [0, 1]),
        (0.3, 1.0, [0, 1, 2, 3, 4]),
    ],
)
def test_a_crop_is_a_stretch_of_the_asked_share(start: float, share: float, kept: list[int]) -> None:
    assert crop(RAMP, start, share)[:, 0].tolist() == kept


def test_a_crop_of_a_single_step_is_that_step() -> None:
    assert crop(RAMP[:1], 0.7, 0.2).tolist() == [[0, 100]]


def test_between_two_steps_lies_the_line_through_them() -> None:
    values = at_times(RAMP, np.array([0.0, 0.25, 3.5, 4.0]))
    assert values.tolist() == [[0, 100], [0.25, 100.25], [3.5, 103.5], [4, 104]]
    assert values.dtype == np.float32


def test_whole_steps_take_nothing_from_a_missing_neighbour() -> None:
    series = np.float32([[1], [np.nan], [3]])
    assert np.isnan(at_times(series, np.array([0.0, 0.5, 1.0, 2.0])))[:, 0].tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_a_warp_at_even_pace_changes_nothing() -> None:
    assert np.allclose(warp_time(RAMP, np.array([3.0, 3.0, 3.0])), RAMP)


def test_a_warp_is_fast_where_its_pace_is_high_and_keeps_the_ends() -> None:
    # Paces 4, 3, 2 and 1 at the middles of the four steps, brought to a sum of four: 1.6, 1.2, 0.8, 0.4.
    warped = warp_time(RAMP, np.array([4.5, 0.5]))
    assert np.allclose(warped[:, 0], [0.0, 1.6, 2.8, 3.6, 4.0])
    assert np.allclose(warped[:, 1], warped[:, 0] + 100)


def test_a_series_of_two_steps_has_nothing_to_warp() -> None:
    assert warp_time(RAMP[:2], np.array([5.0, 1.0])) is not None
    assert np.array_equal(warp_time(RAMP[:2], np.array([5.0, 1.0])), RAMP[:2])


@pytest.mark.parametrize(
    ("factor", "times"), [(1.8, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]), (0.6, [0, 2, 4]), (0.1, [0, 4])]
)
def test_a_stretched_series_has_more_or_fewer_steps_between_the_same_ends(
    factor: float, times: list[float]
) -> None:
    assert np.allclose(stretch_time(RAMP, factor)[:, 0], times)


def test_gains_lie_around_one_with_the_asked_deviation() -> None:
    gains = draw_gains(np.random.default_rng(0), 20_000, scaling=0.3, dropout=0.0)
    assert gains.dtype == np.float32
    assert abs(float(gains.mean()) - 1.0) < 0.01
    assert abs(float(gains.std()) - 0.3) < 0.01


def test_channels_are_left_out_with_the_asked_probability_but_never_all() -> None:
    generator = np.random.default_rng(0)
    gains = draw_gains(generator, 20_000, scaling=0.0, dropout=0.2)
    assert set(np.unique(gains)) == {0.0, 1.0}
    assert abs(float((gains == 0.0).mean()) - 0.2) < 0.01
    many = [draw_gains(generator, 3, scaling=0.0, dropout=0.95) for _ in range(200)]
    assert min(float(gains.sum()) for gains in many) == 1.0


PAIRS = np.float32(np.arange(22).reshape(11, 2))


@pytest.mark.parametrize("field", ["crop", "time_stretch", "time_warp"])
def test_changes_of_time_leave_the_channels_together(field: str) -> None:
    chosen = SeriesOptions(**{field: 0.5})
    for seed in range(20):
        varied = vary_series(PAIRS, chosen, np.random.default_rng(seed))
        assert np.allclose(varied.values[:, 1] - varied.values[:, 0], 1.0, atol=1e-5)
        assert varied.values.min() >= 0
        assert varied.values.max() <= 21
        assert varied.gains is None
        assert varied.noise is None
        low, high = {"crop": (6, 11), "time_stretch": (6, 16), "time_warp": (11, 11)}[field]
        assert low <= len(varied.values) <= high


def test_changes_of_time_do_change_it() -> None:
    for field in ("crop", "time_stretch", "time_warp"):
        chosen = SeriesOptions(**{field: 0.5})
        results = {vary_series(PAIRS, chosen, np.random.default_rng(s)).values.tobytes() for s in range(20)}
        assert len(results) > 5, field


def test_jitter_is_noise_of_the_asked_deviation_as_long_as_the_series() -> None:
    long = np.zeros((4_000, 3), dtype=np.float32)
    chosen = SeriesOptions(jitter=0.2, crop=0.5)
    varied = vary_series(long, chosen, np.random.default_rng(0))
    assert varied.noise is not None
    assert varied.noise.shape == varied.values.shape
    assert float(varied.noise.std()) == pytest.approx(0.2, rel=0.05)


def test_scaling_and_dropout_draw_gains_for_each_channel() -> None:
    varied = vary_series(PAIRS, SeriesOptions(scaling=0.5), np.random.default_rng(0))
    assert varied.gains is not None
    assert varied.gains.shape == (2,)
    dropped = [
        vary_series(PAIRS, SeriesOptions(channel_dropout=0.5), np.random.default_rng(seed)).gains
        for seed in range(20)
    ]
    assert {tuple(gains.tolist()) for gains in dropped if gains is not None} == {(1, 1), (1, 0), (0, 1)}
