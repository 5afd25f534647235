"""Missing values and the scale of series, by hand."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.series.values import fill_missing, statistics

NAN = float("nan")


def test_missing_values_lie_on_the_line_between_their_neighbours() -> None:
    series = np.float32([[NAN, 5], [2, NAN], [NAN, NAN], [8, NAN], [NAN, NAN]])
    filled = fill_missing(series, np.array([70.0, 71.0]))
    assert filled.tolist() == [[2, 5], [2, 5], [5, 5], [8, 5], [8, 5]]
    assert np.isnan(series).sum() == 7, "the series itself is left as it was"


def test_a_channel_without_any_value_has_the_given_one() -> None:
    filled = fill_missing(np.float32([[NAN, 1], [NAN, 2], [NAN, 3]]), np.array([70.0, 71.0]))
    assert filled.tolist() == [[70, 1], [70, 2], [70, 3]]


def test_a_whole_series_is_not_copied() -> None:
    series = np.float32([[1, 2], [3, 4]])
    assert fill_missing(series, np.zeros(2)) is series


def test_statistics_are_over_all_steps_and_leave_missing_values_out() -> None:
    series = [np.float32([[1, 4, NAN], [3, NAN, NAN]]), np.float32([[5, 4, NAN]])]
    mean, std = statistics(series)
    # (1 + 3 + 5) / 3 and the root of (4 + 0 + 4) / 3; a channel that never changes; one without values.
    assert mean.tolist() == [3.0, 4.0, 0.0]
    assert np.allclose(std, [np.sqrt(8 / 3), 1.0, 1.0])
