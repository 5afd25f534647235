"""Cells that say when a step was."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.kinds.series.times import moment_of, moments_of, times_told_twice


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        (3, 3.0),
        ("1700000000", 1.7e9),
        ("1970-01-02", 86_400.0),
        ("1970-01-01T00:00:05.5", 5.5),
        ("1970-01-01 01:00:05+01:00", 5.0),
        (date(1970, 1, 2), 86_400.0),
        ("", None),
    ],
)
def test_numbers_and_dates_are_times(cell: Any, seconds: float | None) -> None:
    assert moment_of(cell) == seconds
    assert moment_of("0,5", "comma") == 0.5


def test_what_is_no_time_is_named_with_its_row() -> None:
    with pytest.raises(
        DataError, match=r"`row 2`, column 't': expected a time: a number, or a date .* received 'noon'"
    ):
        moments_of(["1", "noon"], ["row 1", "row 2"], "t")
    for missing in (None, "", float("nan")):
        with pytest.raises(
            DataError, match=r"`row 1` has no time in the column 't', which steps are sorted by: fill it in"
        ):
            moments_of([missing], ["row 1"], "t")


def test_steps_with_the_time_of_another_of_their_series_are_counted() -> None:
    times = np.array([3.0, 5.0, 3.0, 3.0, 5.0])
    assert times_told_twice(times, [[0, 1, 2, 3], [4]]) == 2
