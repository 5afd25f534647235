"""Features of series: patterns of values and changes, the outline, one scale, and what is saved."""

from __future__ import annotations

import json

import numpy as np
import pytest

from perceivers.kinds.series import features as module
from perceivers.kinds.series.features import (
    SeriesFeatures,
    differences,
    outline,
    raw_features,
    settled_features,
    without_gaps,
)

NAN = float("nan")


def some(count: int, channels: int = 2) -> list[np.ndarray]:
    """Series of 7 to 23 steps."""
    generator = np.random.default_rng(0)
    return [
        generator.standard_normal((int(generator.integers(7, 24)), channels)).astype(np.float32)
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def features() -> SeriesFeatures:
    return settled_features(some(13), num_dilations=2, num_thresholds=2, outline_steps=5)


def test_an_outline_is_evenly_spread_over_each_series_own_length() -> None:
    series = np.float32([[0, 10], [2, 10], [4, 40]])
    assert outline(series, 5).tolist() == [0, 1, 2, 3, 4, 10, 10, 10, 25, 40]
    assert outline(series[:1], 2).tolist() == [0, 0, 10, 10]


def test_differences_of_a_single_step_are_none() -> None:
    assert differences(np.float32([[1], [4], [2]])).tolist() == [[3], [-2]]
    assert differences(np.float32([[7]])).tolist() == [[0]]


def test_the_groups_are_patterns_of_values_patterns_of_changes_and_the_outline(
    features: SeriesFeatures,
) -> None:
    series = some(1)[0]
    sizes = features.group_sizes
    assert sizes == (84 * 2, 84 * 2, 10)
    raw = raw_features(series, features.of_values, features.of_changes, features.change_scale, 5)
    values, changes, shape = np.split(raw, np.cumsum(sizes)[:-1])
    assert np.array_equal(values, features.of_values.shares(series))
    assert np.array_equal(
        changes, features.of_changes.shares(np.diff(series, axis=0) / features.change_scale)
    )
    assert np.array_equal(shape, outline(series, 5))


def test_training_series_have_mean_0_and_deviation_1_but_for_what_hardly_changes(
    features: SeriesFeatures,
) -> None:
    found = np.stack([features(each) for each in some(13)])
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-4)
    spread = found.std(axis=0)
    assert (spread < 1.001).all()
    assert np.median(spread) == pytest.approx(1.0, abs=1e-3)
    assert features.deviation.min() >= module.LEAST_DEVIATION * 0.999


def test_a_value_far_from_all_training_values_is_cut(features: SeriesFeatures) -> None:
    assert np.abs(features(some(1)[0] * 1000)).max() == module.FARTHEST


def test_a_line_is_drawn_over_missing_values(features: SeriesFeatures) -> None:
    whole = np.float32([[0, 1], [1, 1], [2, 1], [3, 5]])
    gaps = whole.copy()
    gaps[1, 0] = NAN
    assert np.array_equal(features(gaps), features(whole))
    assert without_gaps(np.float32([[NAN], [NAN]])).tolist() == [[0], [0]]


def test_what_was_settled_is_the_same_after_json(features: SeriesFeatures) -> None:
    again = SeriesFeatures.of_state(json.loads(json.dumps(features.state())))
    series = some(3)[2]
    assert again.group_sizes == features.group_sizes
    assert np.array_equal(again(series), features(series))


def test_features_of_a_series_that_comes_again_are_kept_while_there_is_room(
    features: SeriesFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SeriesFeatures.of_state(features.state())
    first, second = some(2)
    kept = own(first, keep=True)
    assert own(first.copy(), keep=True) is kept
    assert own(first) is not kept
    assert np.array_equal(own(first), kept)
    monkeypatch.setattr(module, "MOST_KEPT", kept.nbytes)
    assert own(second, keep=True) is not own(second, keep=True)
    assert own(first, keep=True) is kept
