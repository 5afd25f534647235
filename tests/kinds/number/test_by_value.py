"""Numbers by their values: which are known, and their ids."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perceivers.kinds.number.by_value import ids_of, several_times

NUMBERS = st.lists(st.sampled_from([-2.5, 0.0, 1.0, 3.0, 7.0, float("nan")]), min_size=1, max_size=13)


def test_values_that_come_once_are_not_known_nor_are_infinite_ones() -> None:
    column = np.array([7.0, 3.0, 7.0, np.nan, np.inf, np.inf, 5.0, 3.0])
    assert several_times(column) == (3.0, 7.0)


def test_ids_begin_behind_missing_and_unknown_ones() -> None:
    assert ids_of(np.array([3.0, np.nan, 5.0, 7.0, 99.0]), (3.0, 7.0)).tolist() == [2, 0, 1, 3, 1]
    assert ids_of(np.array([3.0, np.nan]), ()).tolist() == [1, 0]


@given(NUMBERS, NUMBERS)
def test_equal_numbers_have_equal_ids_and_different_known_ones_different_ids(
    seen: list[float], asked: list[float]
) -> None:
    known = several_times(np.array(seen))
    ids = ids_of(np.array(asked), known)
    for number, own in zip(asked, ids, strict=True):
        expected = 0 if np.isnan(number) else known.index(number) + 2 if number in known else 1
        assert own == expected
