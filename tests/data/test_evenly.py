"""Some of many, evenly spread over them."""

from __future__ import annotations

import pytest

from perceivers.data.evenly import evenly_spread, spread_indices


@pytest.mark.parametrize(
    ("number", "most", "expected"),
    [(3, 7, [0, 1, 2]), (9, 3, [0, 4, 8]), (8, 3, [0, 4, 7]), (1, 5, [0]), (5, 1, [0]), (0, 3, [])],
)
def test_places_reach_from_the_first_to_the_last(number: int, most: int, expected: list[int]) -> None:
    assert spread_indices(number, most) == expected


@pytest.mark.parametrize(
    ("most", "expected"), [(7, "abcdefg"), (11, "abcdefg"), (6, "aceg"), (3, "adg"), (2, "ae"), (1, "a")]
)
def test_cells_are_taken_at_equal_distances(most: int, expected: str) -> None:
    assert evenly_spread("abcdefg", most) == list(expected)


def test_of_no_cells_there_are_none() -> None:
    assert evenly_spread([]) == []
