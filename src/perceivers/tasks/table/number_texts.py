"""Which columns of a table are read as numbers although they hold texts: these tell how the table writes numbers."""

from __future__ import annotations

from typing import Any

from perceivers.answers.number import Number
from perceivers.answers.registry import guess_answer
from perceivers.data.columns import why_no_data
from perceivers.data.some_cells import SomeCells, cells_with_texts
from perceivers.data.tables import StreamTable, Table
from perceivers.kinds.base import Kind, is_empty
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.registry import guess_kind
from perceivers.tasks.table.guesses import Wishes

# Endings of files that may hold numbers as texts: series and entities.
FILES = (".csv", ".tsv", ".json", ".jsonl")


def number_texts(train: Table | StreamTable, wishes: Wishes) -> list[SomeCells]:
    """Some cells of what is read as numbers: inputs and targets that hold texts, attributes of entities, files of series.

    What is ignored, left out, or taken for another kind is not among them: it may be written as it likes.

    Args:
        train: the rows.
        wishes: what the user said of the columns.
    """
    names = [name for name in train.columns if name not in (*wishes.arguments.ignore, wishes.group_column)]
    columns = cells_with_texts(train, names)
    found: list[SomeCells] = []
    if not any(_may_hold_commas(cell) for column in columns for cell in column.cells):
        return found
    for column in columns:
        kind = _kind(column, wishes)
        if kind is not None:
            found += kind.number_texts(column, train)
    return found


def _kind(column: SomeCells, wishes: Wishes) -> type[Kind] | None:
    """The kind that a column has by the user's word or by a guess; None of one that is not read."""
    filled = [cell for cell in column.cells if not is_empty(cell)]
    if column.name in wishes.targets:
        return NumberKind if filled and _answers_numbers(wishes.targets[column.name], filled) else None
    if column.name in wishes.named:
        return wishes.named[column.name]
    if not any(map(_may_hold_numbers, filled)) or why_no_data(column.name, column.cells) is not None:
        return None
    return guess_kind(column.name, filled)


def _answers_numbers(named: str | None, filled: list[Any]) -> bool:
    return named == Number.name or (named is None and guess_answer(filled) is Number)


def _may_hold_commas(cell: Any) -> bool:
    """Whether there may be a comma in a cell, in the objects that it holds, or in the file that it names."""
    return (
        "," in cell or cell.lower().endswith(FILES)
        if isinstance(cell, str)
        else isinstance(cell, list | tuple)
    )


def _may_hold_numbers(cell: Any) -> bool:
    """Whether a cell may say how numbers are written: it has a comma or a point, or holds objects."""
    return not isinstance(cell, str) or "," in cell or "." in cell
