"""Tables from what a Python program holds: a DataFrame, columns, rows, a `datasets.Dataset`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from perceivers.data.frame_columns import frame_columns
from perceivers.data.tables import ArrowTable, Table
from perceivers.errors import DataError

# What `data` is called in the record of a run whose rows came from memory.
IN_MEMORY = "rows in memory"
# What pandas writes for a missing value; told by name, because pandas need not be there.
MISSING_TYPES = frozenset({"NAType", "NaTType"})
# Values that are what they are called, and nothing else here: 2020Q1, (0, 18].
WRITTEN_TYPES = frozenset({"Period", "Interval", "UUID"})


class ColumnTable(Table):
    """Columns that are held in memory.

    Args:
        cells: the cells of every row by column; all columns of one length, at least one.
        source: see Table.
        root: see Table.
    """

    def __init__(self, cells: Mapping[str, Sequence[Any]], source: str, root: Path | None = None) -> None:
        super().__init__(source, tuple(cells), root)
        lengths = {name: len(column) for name, column in cells.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(f"`{source}` must have equally many cells in all columns, received {listed}")
        self._cells = dict(cells)
        self._length = next(iter(lengths.values()), 0)
        if not self._length:
            raise DataError(f"`{source}` holds no rows")

    def __len__(self) -> int:
        """See Table."""
        return self._length

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        return {name: column[index] for name, column in self._cells.items()}

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        return self._cells[name]


def table_of(frame: Any, source: str = "data", root: str | Path | None = None) -> Table:
    """A table of what a program holds.

    Args:
        frame: what `perceivers.data.frame_columns.frame_columns` takes, such as a DataFrame; a mapping of columns to their
            cells, or to single cells, which is one row; a sequence of rows, each a mapping or a row of a DataFrame, where a
            row without a column has None there; a `datasets.Dataset`; or a Table, which is given back.
        source: what errors call the table.
        root: folder that relative paths in the cells belong to; None for the working folder.

    Returns:
        The table. Names of columns are text; NaN, NaT and NA are None; NumPy's scalars are Python's; paths are text.

    Raises:
        DataError: it is none of these, holds no rows, or two columns have one name; or some columns are lists, others cells.
    """
    if isinstance(frame, Table):
        return frame
    folder = None if root is None else Path(root)
    if hasattr(frame, "column_names") and hasattr(frame, "features"):
        if not hasattr(frame, "__len__"):
            raise DataError(
                f"`{source}` must be rows that can be read again, received the stream {type(frame).__name__}: give a list of "
                "rows of it, such as list(stream.take(1000))"
            )
        return ArrowTable(frame, source, folder)
    if (found := frame_columns(frame)) is not None:
        return _column_table(_names(found.names, source), found.cells(), source, folder)
    if isinstance(frame, Mapping):
        _refuse_several(frame, source)
        return _column_table(_names(list(frame), source), _columns_of(frame, source), source, folder)
    given = [as_row(row) for row in frame] if isinstance(frame, Sequence) else [None]
    rows = [row for row in given if row is not None]
    if len(rows) == len(given):
        keys = list(dict.fromkeys(key for row in rows for key in row))
        columns = [[row.get(key) for row in rows] for key in keys]
        return _column_table(_names(keys, source), columns, source, folder)
    raise DataError(
        f"`{source}` must be a DataFrame, a mapping of columns, a list of rows (mappings) or a datasets.Dataset, received "
        f"{type(frame).__name__}"
    )


def as_row(value: Any) -> Mapping[Any, Any] | None:
    """The cells of one row by column: a mapping, or a row of a DataFrame; None of anything else."""
    if isinstance(value, Mapping):
        return value
    # What pandas calls a Series; told by what it has, because pandas need not be there.
    if hasattr(value, "to_dict") and hasattr(value, "index") and not hasattr(value, "columns"):
        return dict(zip(value.index, value, strict=True))
    return None


def plain_cell(cell: Any) -> Any:
    """A cell as Python has it: None for NaN, NaT and NA, its scalar for one of NumPy, a float for an exact decimal.

    A path is its text, as are a period and an interval of pandas, and a UUID. An array of objects, which pandas makes of the
    lists of a Parquet file, is a list; arrays of numbers and all else stay as they are.
    """
    if isinstance(cell, np.ndarray) and cell.dtype == object:
        return _as_lists(cell)
    if isinstance(cell, np.datetime64 | np.timedelta64):
        # Of nanoseconds, Python would have whole numbers.
        cell = None if np.isnat(cell) else cell.astype(f"{cell.dtype.name.partition('[')[0]}[us]").item()
    elif isinstance(cell, np.generic):
        cell = cell.item()
    elif isinstance(cell, Decimal):
        cell = float(cell)
    elif isinstance(cell, PurePath):
        cell = str(cell)
    if type(cell).__name__ in WRITTEN_TYPES:
        return str(cell)
    if type(cell).__name__ in MISSING_TYPES or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return cell


def _as_lists(value: Any) -> Any:
    """Arrays as lists, those in an array of objects, too."""
    return [_as_lists(each) for each in value] if isinstance(value, np.ndarray) else plain_cell(value)


def _refuse_several(given: Mapping[Any, Any], source: str) -> None:
    """Raise DataError for several tables by name, as a data set of the hub has its parts."""
    several = [name for name, value in given.items() if frame_columns(value) or hasattr(value, "features")]
    if len(several) == len(given) > 1:
        raise DataError(
            f"`{source}` must be one table, received several, {', '.join(map(str, several))}: give each by itself, such as "
            f"{source}[{several[0]!r}]"
        )


def _columns_of(given: Mapping[Any, Any], source: str) -> list[Any]:
    """The cells of each column of a mapping; of one row, a single cell in each."""
    are_cells = {name: _is_cell(value) for name, value in given.items()}
    if given and all(are_cells.values()):
        return [[cell] for cell in given.values()]
    if any(are_cells.values()):
        cell, column = (next(name for name in given if are_cells[name] is wanted) for wanted in (True, False))
        raise DataError(
            f"`{source}` must be one row of cells, or a list of cells in every column, received {column!r} with a "
            f"{type(given[column]).__name__} and {cell!r} with a {type(given[cell]).__name__}: put one row in a list, [row]; "
            "else give each column a list, with a cell a row"
        )
    return list(given.values())


def _is_cell(value: Any) -> bool:
    """Whether what a mapping has for a column is a single cell, not one a row."""
    if isinstance(value, str | bytes | bytearray | Mapping):
        return True
    return not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0


def _column_table(names: Sequence[str], columns: Any, source: str, root: Path | None) -> ColumnTable:
    cells = [[plain_cell(cell) for cell in column] for column in columns]
    return ColumnTable(dict(zip(names, cells, strict=True)), source, root)


def _names(given: Sequence[Any], source: str) -> list[str]:
    names = [str(name) for name in given]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise DataError(f"`{source}` has two columns {name!r}; give each a name of its own")
    return names
