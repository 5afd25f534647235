"""Rows that are divided several times: every row is held out once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.data.folds import can_be_folded, folded, whole
from perceivers.data.rows import RowSamples
from perceivers.data.splits import Splits
from perceivers.data.tables import ListTable


def _row(row: Any, table: Any) -> Any:
    return row


def splits_of(num_rows: int, tested: set[int], validated: set[int], num_classes: int = 2) -> Splits:
    rows = [{"n": row, "label": "abcdefg"[row % num_classes], "who": row // 3} for row in range(num_rows)]
    table = ListTable(rows, "d")
    indices = {
        "train": [row for row in range(num_rows) if row not in tested | validated],
        "validation": sorted(validated),
        "test": sorted(tested),
    }
    return Splits(**{part: RowSamples(table, own, _row) for part, own in indices.items()})


def numbers(samples: Any) -> list[int]:
    return [samples[place]["n"] for place in range(len(samples))]


def test_the_whole_has_the_validation_rows_among_the_training_rows_in_order() -> None:
    found = whole(splits_of(11, {2, 7}, {0, 5}))
    assert numbers(found.train) == [0, 1, 3, 4, 5, 6, 8, 9, 10]
    assert len(found.validation) == 0
    assert numbers(found.test) == [2, 7]


def test_one_division_is_the_one_that_there_is() -> None:
    splits = splits_of(11, {2}, {5})
    assert folded(splits, 1, 0) == [splits]


@given(
    num_rows=st.integers(13, 40),
    count=st.integers(2, 7),
    seed=st.integers(0, 5),
    num_classes=st.integers(1, 5),
)
def test_every_row_is_held_out_once_and_learned_from_in_all_other_divisions(
    num_rows: int, count: int, seed: int, num_classes: int
) -> None:
    splits = splits_of(num_rows, {2, 7}, {0, 5}, num_classes)
    found = folded(splits, count, seed, labels="label")
    held = [row for each in found for row in numbers(each.validation)]
    everything = [row for row in range(num_rows) if row not in {2, 7}]
    assert sorted(held) == everything
    for each in found:
        assert sorted(numbers(each.train) + numbers(each.validation)) == everything
        assert numbers(each.test) == [2, 7]
    assert found == folded(splits, count, seed, labels="label")


def test_each_division_holds_out_the_same_share_of_every_class() -> None:
    found = folded(splits_of(32, {0, 1}, {5}, 3), 5, 3, labels="label")
    for each in found:
        own = [row % 3 for row in numbers(each.validation)]
        assert [own.count(label) for label in range(3)] == [2, 2, 2]


def test_rows_of_a_group_are_held_out_together() -> None:
    splits = splits_of(21, set(), {0, 1, 2})
    groups = [row // 3 for row in range(21)]
    found = folded(splits, 3, 0, groups=groups)
    held = [{row // 3 for row in numbers(each.validation)} for each in found]
    assert [len(own) for own in held] == [2, 2, 3]
    assert not held[0] & held[1] | held[1] & held[2] | held[0] & held[2]


def test_of_fewer_groups_there_are_as_many_divisions_as_groups() -> None:
    splits = splits_of(6, set(), {0, 1, 2})
    found = folded(splits, 5, 0, groups=[row // 3 for row in range(6)])
    assert len(found) == 2
    assert sorted(row for each in found for row in numbers(each.validation)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("changed", "can"),
    [
        ({}, True),
        ({"validation": ()}, False),
        ({"train": [{"n": 0}]}, False),
        ({"validation": RowSamples(ListTable([{"n": 3}], "other"), [0], _row)}, False),
    ],
)
def test_rows_of_one_table_can_be_divided_and_others_cannot(changed: dict[str, Any], can: bool) -> None:
    splits = splits_of(11, {2}, {5})
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test, **changed}
    assert can_be_folded(Splits(**parts)) is can
