"""Columns that are left out, and columns that look like it and are data."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from perceivers.data.columns import is_nameless, is_row_number, why_index_of_groups, why_no_data

CHANCE = random.Random(0)
MIXED = CHANCE.sample(range(100, 150), 41)
TOKENS = [f"PC{number}" for number in CHANCE.sample(range(10_000, 99_999), 41)]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("x", [None, "", float("nan")], "is empty"),
        ("x", ["a", "a", "a"], "is 'a' in every row"),
        ("x", [0.0, 0.0], "is '0.0' in every row"),
        ("split", ["train", "test", "train"], "says which part a row is of"),
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


def test_durations_that_are_different_in_every_row_are_no_ids() -> None:
    assert why_no_data("took", [f"PT{index}M{index % 60}S" for index in range(40)]) is None
    assert why_no_data("took", [f"{index}h{index % 60}m" for index in range(40)]) is None
    assert (
        why_no_data("code", [f"PT{index}X" for index in range(40)])
        == "is different in every row, as an id is"
    )


def test_rows_in_groups_are_counted_over_all_of_them_or_within_each() -> None:
    what = ("entity", "entities")
    assert why_index_of_groups("", [[0, 1, 2], [0, 1]], what) == "has no name and only counts the entities"
    assert why_index_of_groups("key", [[2, 3], [2, 3, 4], [7]], what) == "only counts the entities"
    # Thirteen in groups of which none is long enough by itself.
    assert why_index_of_groups("n", [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11, 12]], what) == (
        "only counts the entities"
    )
    assert why_index_of_groups("key", [["a7"], ["b5"]], what) == "is different in every entity, as an id is"
    for groups in ([[0, 1, 2], [0, 1]], [[3]], []):
        assert why_index_of_groups("n", groups, what) is None
