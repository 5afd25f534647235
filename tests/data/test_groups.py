"""What each row belongs to."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.groups import groups_of, on_both_sides
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, DataError

SPOKEN = ListTable(
    [{"file": f"{digit}_{who}_{take}.wav"} for digit in (0, 1) for who in ("jo", "al") for take in (0, 1)],
    "d",
)


def test_groups_are_the_values_of_a_column() -> None:
    table = ListTable([{"who": "a"}, {"who": ""}, {"who": "a"}, {"who": None}, {"who": [1]}], "d")
    assert groups_of(table, "who", None) == ["a", ("row", 1), "a", ("row", 3), "[1]"]
    numbers = ListTable([{"who": 1}, {"who": "1"}], "d")
    assert groups_of(numbers, "who", None) == [1, "1"], "of two types, two groups"
    with pytest.raises(DataError, match="`d` must have a column 'patient', received who"):
        groups_of(table, "patient", None)


def test_groups_are_found_in_the_names_of_files() -> None:
    assert groups_of(SPOKEN, None, "_([a-z]+)_") == ["jo", "jo", "al", "al"] * 2
    assert groups_of(SPOKEN, "file", "^[01]") == ["0"] * 4 + ["1"] * 4
    with pytest.raises(DataError, match=r"`d, row 1`: `group_pattern` 'x' is not found in '0_jo_0.wav'"):
        groups_of(SPOKEN, None, "x")


@pytest.mark.parametrize("root", ["my_toy_set", "data/of_all_sets", "plain", "."])
def test_folders_tell_groups_where_names_of_files_do_not(root: str) -> None:
    def table(*files: str) -> ListTable:
        return ListTable([{"file": str(PurePath(root) / file)} for file in files], root)

    named = table("big_red_car/1_ann_x.npy", "old_blue_van/2_bob_x.npy")
    assert groups_of(named, None, "_([a-z]+)_") == ["ann", "bob"]
    placed = table("big_red_car/1_ann_x.npy", "old_blue_van/2.npy")
    assert groups_of(placed, None, "_([a-z]+)_") == ["red", "blue"]
    with pytest.raises(DataError, match=r"is not found in '2.npy'"):
        groups_of(table("1_ann_x.npy", "2.npy"), None, "_([a-z]+)_")


def test_an_empty_find_and_a_missing_file_are_groups() -> None:
    table = ListTable([{"file": "a1"}, {"file": "a2"}, {"file": None}, {"file": "a"}], "d")
    assert groups_of(table, None, "a([0-9]*)") == ["1", "2", ("row", 2), ("row", 3)]


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"`group_pattern` must be a regular expression, received '\(': "
    ):
        DataArguments(data="x", group_pattern="(")


def test_groups_of_two_parts_that_are_in_both_are_named() -> None:
    assert on_both_sides("abc", "xcab") == ["c", "a", "b"]
