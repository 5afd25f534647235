"""Columns that would be numbers but for a few cells, or for their units: what is told of them."""

from __future__ import annotations

import pytest

from perceivers.data.nearly_numbers import why_no_numbers


@pytest.mark.parametrize("stray", ["tall", "1'234", "$5"])
def test_a_column_of_numbers_but_for_a_few_cells_is_told(stray: str) -> None:
    note = why_no_numbers("x", ["1.5", "NA", stray, "2,5", "-3"])
    assert note.startswith(f"4 of 5 cells are numbers, {stray!r} is none: empty what nobody knows")


@pytest.mark.parametrize("cells", [["1", "2"], ["1", "NA"], ["a", "b", "1"], [True, 1, 2], [[1], 1, 2]])
def test_of_other_columns_nothing_is_said_of_numbers(cells: list[object]) -> None:
    assert why_no_numbers("x", cells) == ""


def test_of_numbers_with_one_unit_nothing_is_said() -> None:
    for cells in (
        ["12 kg", "7.5kg", "1,250 kg"],
        ["12%", "7 %", "-"],
        ["$1.2M", "$300k"],
        ["12A", "13B", "14C"],
    ):
        assert why_no_numbers("x", cells) == ""


def test_what_keeps_numbers_with_a_unit_from_being_numbers_is_told() -> None:
    kilos = [f"{index} kg" for index in range(11)]
    assert why_no_numbers("weight", [*kilos, "8", "tall", "- kg"]) == (
        "13 of 14 cells are numbers with a unit, such as 12 kg, 'tall' is none: empty what nobody knows, write all with this "
        "unit, and the column is one of numbers"
    )
    assert why_no_numbers("weight", [*kilos, "300 g", "n/a", "n/a", "n/a"]) == (
        "the units differ, 'kg' and 'g': write all numbers in one unit, and the column is one of numbers"
    )
    assert why_no_numbers("power", [f"{index} {'mM'[index % 2]}W" for index in range(11)]) == (
        "the units differ, 'mW' and 'MW': write all numbers in one unit, and the column is one of numbers"
    )
    assert why_no_numbers("size", [f"{index}{'M' if index % 3 else ''}" for index in range(11)]) == (
        "a number alone may be one of 'M', or not: write 'M' with all of them or none, and the column is one of numbers"
    )


def test_of_names_that_begin_with_a_number_nothing_is_said() -> None:
    streets = [f"{index} {('Main St', 'Oak Ave')[index % 2]}" for index in range(20)]
    seats = [f"{index}{'ABC'[index % 3]}" for index in range(20)]
    for cells in (
        streets,
        seats,
        ["1Story", "2Story", "attic"] * 9,
        ["1. White", "2. Black", "4. Other"] * 9,
    ):
        assert why_no_numbers("x", cells) == ""
