"""Classes that look like several labels of a row."""

from __future__ import annotations

import pytest

from perceivers.data.tables import ListTable
from perceivers.tasks.table.likely_labels import likely_labels_told
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import plan_table

ROWS = [{"size": float(row % 13), "tags": ("a", "b; a", "b", "a; c", "c; b")[row % 5]} for row in range(53)]


@pytest.mark.parametrize("separator", [";", "|", ","])
def test_classes_that_are_made_of_fewer_labels_are_told_how_to_be_answered(separator: str) -> None:
    classes = ["a", "b", f"a{separator}b", f"b{separator} c", f"a{separator}c"]
    assert (
        likely_labels_told("tags", classes)
        == f'perhaps 3 labels, several a row: --target tags:labels --label-separator "{separator}"'
    )


@pytest.mark.parametrize(
    "classes",
    [
        ["York, UK", "Bath, UK"],
        ["a", "b", "a;b"],
        ["cat", "dog"],
        ["yes, surely", "yes, perhaps", "no"],
        [";", "a"],
    ],
)
def test_of_other_classes_nothing_is_said(classes: list[str]) -> None:
    assert likely_labels_told("tags", classes) == ""


@pytest.mark.parametrize(
    ("target", "is_told"), [("tags", True), ("tags:class", False), ("tags:labels", False)]
)
def test_the_plan_says_so_where_nobody_has_named_what_is_answered(target: str, is_told: bool) -> None:
    plan = plan_table(ListTable(ROWS, "rows.csv"), TableArguments(target=(target,)))
    note = next(each.note for each in plan.columns if each.name == "tags")
    assert ("--target tags:labels" in note) is is_told
