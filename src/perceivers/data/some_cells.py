"""Some cells of the columns of a table, with the names of their rows, without reading what is large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perceivers.data.evenly import MOST_CELLS, evenly_spread
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError

# Rows that tell whether a column holds texts, and rows of one that holds lists, each of which may be long.
FEW_ROWS, MOST_LISTS = 16, 64


@dataclass(frozen=True)
class SomeCells:
    """Some cells of one column.

    Args:
        name: of the column.
        cells: texts among others; of each, what the file has, or what the program gave.
        rows: what errors call the row of each.
    """

    name: str
    cells: Sequence[Any]
    rows: Sequence[str]


def cells_with_texts(table: Table | StreamTable, names: Sequence[str]) -> list[SomeCells]:
    """Columns that hold texts, or lists of objects, which may hold some.

    Of each 2,000 cells, or 64 lists, evenly spread over the rows.

    Args:
        table: the rows, of which those that cannot be read are passed over; of a stream the first ones.
        names: of the columns that are looked at.
    """
    if isinstance(table, StreamTable):
        return _of_stream(table, names)
    torn = table.torn
    whole = [index for index in range(len(table)) if index not in torn] if torn else range(len(table))
    looks = _some(table, evenly_spread(whole, FEW_ROWS), names)
    texts = [name for name, cells in looks.items() if any(isinstance(cell, str) for cell in cells)]
    lists = [
        name for name, cells in looks.items() if name not in texts and any(map(_is_list_of_objects, cells))
    ]
    found: dict[str, SomeCells] = {}
    for own, indices in ((texts, evenly_spread(whole)), (lists, evenly_spread(whole, MOST_LISTS))):
        rows = [table.name(index) for index in indices] if own else []
        for name, cells in _some(table, indices, own).items():
            found[name] = SomeCells(name, cells, rows)
    return [found[name] for name in names if name in found]


def _of_stream(table: StreamTable, names: Sequence[str]) -> list[SomeCells]:
    read = table.first_rows(MOST_CELLS)
    rows = [f"{table.source}, row {number}" for number in range(1, len(read) + 1)]
    columns = {name: [row.get(name) for row in read] for name in names}
    return [
        SomeCells(name, cells, rows)
        for name, cells in columns.items()
        if any(isinstance(cell, str) or _is_list_of_objects(cell) for cell in cells)
    ]


def _some(table: Table, indices: Sequence[int], names: Sequence[str]) -> dict[str, list[Any]]:
    try:
        return table.cells_at(indices, names)
    except (DataError, UnicodeDecodeError):
        # Whoever reads the rows tells which of them cannot be read.
        return {}


def _is_list_of_objects(cell: Any) -> bool:
    return isinstance(cell, list | tuple) and any(isinstance(each, Mapping) for each in cell[:3])
