"""Series to the model's input: scale, gaps, gains and noise by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.kinds.series.tensors import SeriesScale, VariedSeries, series_input

NAN = float("nan")
VALUES = np.float32([[1, 10], [3, 30]])


def scale(normalization: str = "data", missing: str = "stop") -> SeriesScale:
    return SeriesScale(mean=(1.0, 10.0), std=(2.0, 5.0), normalization=normalization, missing=missing)


@pytest.mark.parametrize(
    ("normalization", "expected"),
    [("data", [[0, 0], [1, 4]]), ("series", [[-1, -1], [1, 1]]), ("none", [[1, 10], [3, 30]])],
)
def test_each_normalisation_scales_as_it_says(normalization: str, expected: list[list[float]]) -> None:
    assert scale(normalization)(VALUES).tolist() == expected


def test_gains_and_noise_come_after_the_scale_and_channels_left_out_stay_silent() -> None:
    sample = VariedSeries(VALUES, gains=np.float32([3, 0]), noise=np.float32([[0.5, 7], [0.25, 7]]))
    assert scale()(sample).tolist() == [[0.5, 0], [3.25, 0]]
    alone = VariedSeries(VALUES, noise=np.float32([[0.5, 7], [0.25, 7]]))
    assert scale()(alone).tolist() == [[0.5, 7], [1.25, 11]]


def test_gaps_are_filled_before_the_scale_or_stay() -> None:
    sample = np.float32([[1, NAN], [NAN, NAN], [5, NAN]])
    assert scale(missing="interpolate")(sample).tolist() == [[0, 0], [1, 0], [2, 0]]
    kept = scale(missing="mark")(sample)
    assert np.array_equal(kept, [[0, NAN], [NAN, NAN], [2, NAN]], equal_nan=True)


def test_shorter_series_end_with_zeros_that_do_not_count_and_absent_ones_have_no_step() -> None:
    given = series_input([VALUES, VALUES[:1], None], scale("none"))
    assert given.values.tolist() == [[[1, 10], [3, 30]], [[1, 10], [0, 0]], [[0, 0], [0, 0]]]
    assert given.mask is not None
    assert given.mask.tolist() == [[True, True], [True, False], [False, False]]


def test_a_batch_without_any_series_has_one_step_that_does_not_count() -> None:
    given = series_input([None, None, None], scale())
    assert given.values.shape == (3, 1, 2)
    assert given.mask is not None
    assert not given.mask.any()
