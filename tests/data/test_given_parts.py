"""Parts of a data set that the user gives by themselves."""

from __future__ import annotations

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.given_parts import with_given_parts
from perceivers.data.tables import ListTable
from perceivers.errors import DataError


def table(source: str) -> ListTable:
    return ListTable([{"x": 1}], source)


OTHERS = {
    "parted": {"train": table("parted train"), "test": table("parted test")},
    "whole": {"train": table("whole")},
}


def test_a_given_part_is_taken_or_all_that_is_given_and_what_it_replaces_is_noted() -> None:
    own = {"train": table("own train"), "test": table("own test")}
    arguments = DataArguments(data="own", validation_data="whole", test_data="parted")
    tables = with_given_parts(own, arguments, OTHERS.__getitem__)
    assert {part: each.source for part, each in tables.items()} == {
        "train": "own train",
        "validation": "whole",
        "test": "parted test",
    }
    assert tables["train"].notes == ["`own test` is not used: `test_data` is given in its place"]


def test_data_without_a_training_part_are_refused() -> None:
    with pytest.raises(DataError, match="`data` 'own' must have a part `train`, received only test"):
        with_given_parts({"test": table("own test")}, DataArguments(data="own"), OTHERS.__getitem__)


def test_what_is_wrong_with_a_given_part_is_said_of_it() -> None:
    def absent(_: str) -> dict[str, ListTable]:
        raise DataError("`data` must be a folder, received 'nowhere'")

    with pytest.raises(DataError, match=r"^`test_data` must be a folder, received 'nowhere'"):
        with_given_parts({"train": table("own")}, DataArguments(data="own", test_data="nowhere"), absent)


def test_one_file_as_two_parts_is_told_to_measure_nothing() -> None:
    own = {"train": table("own.csv")}
    arguments = DataArguments(data="own.csv", test_data="./own.csv")
    tables = with_given_parts(own, arguments, lambda source: {"train": table(source)})
    (note,) = tables["train"].notes
    assert note.startswith("`./own.csv` is the training part and the test part: measures will be too good")
    parted = {"train": table("folder"), "test": table("folder")}
    tables = with_given_parts(
        {"train": table("folder")}, DataArguments(data="folder", test_data="folder"), lambda _: parted
    )
    assert tables["train"].notes == []
