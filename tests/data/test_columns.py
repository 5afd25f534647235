"""Columns that are left out, and columns that look like it and are data."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from perceivers.data.columns import is_nameless, is_row_number, why_no_data, why_no_numbers

CHANCE = random.Random(0)
MIXED = CHANCE.sample(range(100, 150), 41)
TOKENS = [f"PC{number}" for number in CHANCE.sample(range(10_000, 99_999), 41)]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("x", [None, "", float("nan")], "is empty"),
        ("x", ["a", "a", "a"], "is 'a' in every row"),
        ("x", [0.0, 0.0], "is '0.0' in every row"),
        ("", ["0", "1", "2"], "has no name and only counts the rows"),
        ("Unnamed: 0", ["7", "3", "5"], "has no name and only counts the rows"),
        ("n", [str(number) for number in range(1, 12)], "only counts the rows"),
        ("n", list(range(100, 210, 10)), "only counts the rows"),
        ("n", [f"{number:04}" for number in range(11)], "only counts the rows"),
        ("PassengerId", [1, 2, 3], "only counts the rows"),
        ("n", MIXED, "is different in every row, as an id is"),
        ("customer_id", ["90211", "10422", "70093"], "is different in every row, as an id is"),
        ("ticket", TOKENS, "is different in every row, as an id is"),
        ("customerID", ["7590-VHVEG", "5575-GNVDE"], "is different in every row, as an id is"),
        ("x", [str(uuid.UUID(int=CHANCE.getrandbits(128))) for _ in range(3)], "is different in every row, as an id is"),
    ],
)  # fmt: skip
def test_what_is_no_data_has_a_reason(name: str, values: Sequence[Any], reason: str) -> None:
    assert why_no_data(name, values) == reason


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", ["a", None, "a"]),  # there or not there
        ("x", ["a"]),
        ("x", [CHANCE.gauss(0, 1) for _ in range(41)]),
        ("x", [f"{CHANCE.gauss(0, 1):.3f}" for _ in range(41)]),
        ("x", [number / 2 for number in range(41)]),
        ("votes", CHANCE.sample(range(1_000_000), 41)),
        ("age", CHANCE.sample(range(18, 90), 20)),
        ("speed", [1, 2, 3]),
        ("text", [f"a film about {number} things" for number in range(41)]),
        ("name", ["Ada", "Bea", "Cleo"] + [chr(97 + number) * 5 for number in range(26)] + ["x", "y", "zz"]),
        ("photo", [f"photos/{number}.png" for number in range(41)]),
        ("photo", [f"{number}.png" for number in range(41)]),
        ("weight", [f"{number}kg" for number in range(41)]),
        ("day", [f"2024-01-{number:02}" for number in range(1, 32)]),
        ("day", [20240101 + number for number in range(31)]),
        ("x", [20240101 + number for number in range(31)]),
        ("x", [1_700_000_000 + 60 * number for number in range(31)]),
        ("year", list(range(1990, 2021))),
        ("when", [datetime.date(2024, 1, day) for day in range(1, 32)]),
        ("image", [{"bytes": b"a"}, {"bytes": b"a"}]),
        ("series", [[1.0], [1.0]]),
        ("x", ["a", "b", [1.0]]),
        ("sold", [True, False]),
        ("x", [1, 2, 2, *range(3, 41)]),
        ("width", [3, 2, 1]),
        ("paid", ["1", "2", "x"]),
    ],
)
def test_what_only_looks_like_it_is_data(name: str, values: Sequence[Any]) -> None:
    assert why_no_data(name, values) is None


def test_row_numbers_rise_by_one_step() -> None:
    steady = list(range(5, 35, 3))
    assert is_row_number("n", steady)
    assert not is_row_number("n", steady[:9])
    assert not is_row_number("n", steady[::-1])
    assert not is_row_number("n", [*steady, 33])
    assert not is_row_number("n", [*steady, None])
    assert not is_row_number("n", [value + 0.5 for value in steady])


def test_an_index_that_was_mixed_is_still_one() -> None:
    assert is_row_number("Unnamed: 0", [4, 0, 17])
    assert not is_row_number("Unnamed: 0", [4, 0, 4])
    assert [is_nameless(name) for name in ("", " ", "Unnamed: 3", "unnamed", "x")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("stray", ["tall", "1'234", "$5"])
def test_a_column_of_numbers_but_for_a_few_cells_is_told(stray: str) -> None:
    note = why_no_numbers("x", ["1.5", "NA", stray, "2,5", "-3"])
    assert note.startswith(f"4 of 5 cells are numbers, {stray!r} is none: empty what nobody knows")


@pytest.mark.parametrize("cells", [["1", "2"], ["1", "NA"], ["a", "b", "1"], [True, 1, 2], [[1], 1, 2]])
def test_of_other_columns_nothing_is_said_of_numbers(cells: list[object]) -> None:
    assert why_no_numbers("x", cells) == ""


def test_durations_that_are_different_in_every_row_are_no_ids() -> None:
    assert why_no_data("took", [f"PT{index}M{index % 60}S" for index in range(40)]) is None
    assert why_no_data("took", [f"{index}h{index % 60}m" for index in range(40)]) is None
    assert (
        why_no_data("code", [f"PT{index}X" for index in range(40)])
        == "is different in every row, as an id is"
    )


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
