"""Whoever asks with names that a model has never seen is told."""

from __future__ import annotations

from typing import Any

from perceivers.data.tables import ListTable
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.unknown_names import unknown_names_told


def told_of(cells: list[Any]) -> list[str]:
    category = CategoryKind(CategoryOptions(), vocabularies=(("left", "right"), ()))
    columns = Columns(
        (
            Input("names", ("side", "word"), category),
            Input("numbers", ("size",), NumberKind(NumberOptions())),
        ),
        {},
    )
    table = ListTable([{"side": cell, "word": "new", "size": 3.0} for cell in cells], "asked")
    return unknown_names_told(table, columns)


def test_most_names_that_are_unknown_are_told() -> None:
    assert told_of(["up", "down", "up", "left", None]) == [
        "`asked`, column 'side': 3 of 4 names are unknown to the model ('up', 'down'); it knows 'left', 'right'"
    ]


def test_a_few_unknown_names_and_a_column_of_which_nothing_was_learned_are_not() -> None:
    assert told_of(["up", "left", None]) == []
