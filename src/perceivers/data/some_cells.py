"""Some cells of the columns of a table, with the names of their rows, without reading what is large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


def cells_with_texts(table: Table | StreamTable, names: Sequence[str]) -> Iterator[SomeCells]:
    """Columns that hold texts, or lists of objects, which may hold some.

    Of each 2,000 cells, or 64 lists, evenly spread over the rows.

    Args:
        table: the rows, of which those that cannot be read are passed over; of a stream the first ones.
        names: of the columns that are looked at.
    """
    if isinstance(table, StreamTable):
        yield from _of_stream(table, names)
        return
    torn = table.torn
    whole = [index for index in range(len(table)) if index not in torn] if torn else range(len(table))
    few = evenly_spread(whole, FEW_ROWS)
    for name in names:
        looks = _some(table, name, few)
        if any(isinstance(cell, str) for cell in looks):
            indices = evenly_spread(whole)
        elif any(map(_is_list_of_objects, looks)):
            indices = evenly_spread(whole, MOST_LISTS)
        else:
            continue
        yield SomeCells(name, _some(table, name, indices), [table.name(index) for index in indices])


def _of_stream(table: StreamTable, names: Sequence[str]) -> Iterator[SomeCells]:
    rows = table.first_rows(MOST_CELLS)
    for name in names:
        cells = [row.get(name) for row in rows]
        if any(isinstance(cell, str) or _is_list_of_objects(cell) for cell in cells):
            yield SomeCells(
                name, cells, [f"{table.source}, row {number}" for number in range(1, len(cells) + 1)]
            )


def _some(table: Table, name: str, indices: Sequence[int]) -> Sequence[Any]:
    try:
        return table.cells_at(name, indices)
    except (DataError, UnicodeDecodeError):
        # Whoever reads the rows tells which of them cannot be read.
        return [None] * len(indices)


def _is_list_of_objects(cell: Any) -> bool:
    return isinstance(cell, list | tuple) and any(isinstance(each, Mapping) for each in cell[:3])
