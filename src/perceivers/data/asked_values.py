"""What a program asks a trained model about, as a table: frames, rows, and cells of the only column that is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.data.frame_columns import cells_of_column, frame_columns
from perceivers.data.frames import as_row, table_of
from perceivers.data.tables import Table
from perceivers.errors import DataError

SOURCE = "values"


def asked_table(
    values: Any,
    columns: Sequence[str],
    is_table: Callable[[Path], bool],
    is_cell: Callable[[Mapping[Any, Any]], bool] = lambda _: False,
) -> Table:
    """A table of what is asked about.

    Args:
        values: see `perceivers.data.frames.table_of`; also a row of a DataFrame, and, where a single column is read, its
            cells: a list, a column of a DataFrame, or an array of texts or objects.
        columns: that the model reads.
        is_table: whether a path is a file of rows, and so cannot be a cell.
        is_cell: whether a mapping is a cell, such as the samples of a sound with their rate, and no row.

    Raises:
        DataError: it is none of these; the message says how to give it.
    """

    def is_row(value: Any) -> bool:
        return as_row(value) is not None and not (isinstance(value, Mapping) and is_cell(value))

    given = _listed(values, columns)
    if isinstance(given, list) and not all(map(is_row, given)):
        _require_cells([each for each in given if not is_row(each)], columns, is_table)
        given = [each if is_row(each) else {columns[0]: each} for each in given]
    is_alone = isinstance(given, Mapping) and is_cell(given)
    if not is_alone and (
        isinstance(given, Table | Mapping | list)
        or frame_columns(given) is not None
        or hasattr(given, "column_names")
    ):
        return table_of(given, SOURCE)
    raise DataError(
        f"`{SOURCE}` must be a DataFrame, a row or a list, received {_in_words(given)}: put a single value in a list, [value]"
        + ("; an array of several is list(array)" if isinstance(given, np.ndarray) else "")
    )


def _listed(values: Any, columns: Sequence[str]) -> Any:
    """A row of a DataFrame, a column of one, any sequence and an array of cells as lists; the rest as it is."""
    row = None if isinstance(values, Mapping) else as_row(values)
    if row is not None:
        return [row] if any(str(name) in columns for name in row) else list(values)
    if frame_columns(values) is not None:
        return values
    if (cells := cells_of_column(values)) is not None:
        return cells
    # The numbers of an array may be one value, such as a picture, or one a row.
    is_of_cells = isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind not in "biufc"
    is_sequence = isinstance(values, Sequence) and not isinstance(values, str | bytes | bytearray)
    return list(values) if is_of_cells or is_sequence else values


def _require_cells(values: Sequence[Any], columns: Sequence[str], is_table: Callable[[Path], bool]) -> None:
    """Raise DataError for bare values that cannot be cells of the only column."""
    if len(columns) > 1:
        kinds = ", ".join(dict.fromkeys(type(each).__name__ for each in values))
        named = any(isinstance(each, str | os.PathLike) for each in values)
        raise DataError(
            f"`{SOURCE}` must have the columns {', '.join(columns)}: a DataFrame, or a list of rows, received a list of "
            f"{kinds}" + ("; `predictions` of the predictor takes the names of tables" if named else "")
        )
    for each in values:
        if isinstance(each, str | os.PathLike) and is_table(Path(each)):
            raise DataError(
                f"`{SOURCE}` must be cells, received the name of a table, {str(each)!r:.200}; `predictions` of the predictor "
                "takes the names of tables"
            )


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(map(str, value))}"
    return (
        f"an array of the shape {list(value.shape)}"
        if isinstance(value, np.ndarray)
        else type(value).__name__
    )
