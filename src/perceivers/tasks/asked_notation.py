"""How a table that a trained run is asked about writes its numbers: as somebody says, or as its own cells do."""

from __future__ import annotations

from perceivers.data.notation import Asked, Notation, notation_beside
from perceivers.data.numbers import Decimal
from perceivers.data.some_cells import SomeCells, cells_with_texts
from perceivers.data.tables import StreamTable, Table
from perceivers.tasks.columns import Columns


def asked_notation(table: Table | StreamTable, columns: Columns, asked: Asked, known: Decimal) -> Notation:
    """The notation of a table.

    Args:
        table: the rows.
        columns: of the run, as they are called in the table; answers only where they are measured.
        asked: what somebody said; "auto": see `notation_beside`.
        known: the run's.
    """
    return Notation(asked) if asked != "auto" else notation_beside(_number_texts(table, columns), known)


def _number_texts(table: Table | StreamTable, columns: Columns) -> list[SomeCells]:
    """Some cells of what a trained run reads as numbers."""
    kinds = {column: each.kind for each in columns.inputs for column in each.columns}
    numbers = {each.column for each in columns.answers.values() if each.stray}
    names = [name for name in table.columns if name in kinds or name in numbers]
    found: list[SomeCells] = []
    for each in cells_with_texts(table, names):
        found += kinds[each.name].number_texts(each, table) if each.name in kinds else [each]
    return found
