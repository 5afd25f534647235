"""The columns of other libraries' tables: frames of pandas and polars, tables of Arrow, structured arrays of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FrameColumns:
    """The columns of a table of another library.

    Args:
        names: as the library has them; two may be alike.
        cells: gives the cells of each column, in the order of `names`.
    """

    names: Sequence[Any]
    cells: Callable[[], list[Sequence[Any]]]


def frame_columns(frame: Any) -> FrameColumns | None:
    """The columns of a table, told by what it has, because none of the libraries need be there; None of anything else.

    Args:
        frame: pandas', without its index; polars'; a Table or RecordBatch of Arrow; an array [rows] of NumPy with fields.
    """
    if hasattr(frame, "to_pydict") and hasattr(frame, "schema"):
        return FrameColumns(frame.schema.names, lambda: [column.to_pylist() for column in frame.columns])
    if hasattr(frame, "get_columns") and hasattr(frame, "columns"):
        return FrameColumns(frame.columns, lambda: [column.to_list() for column in frame.get_columns()])
    if hasattr(frame, "to_dict") and hasattr(frame, "columns"):
        return FrameColumns(list(frame.columns), lambda: _of_pandas(frame))
    if isinstance(frame, np.ndarray) and frame.dtype.names is not None and frame.ndim == 1:
        fields = frame.dtype.names
        return FrameColumns(fields, lambda: [list(frame[field]) for field in fields])
    return None


def cells_of_column(column: Any) -> list[Any] | None:
    """The cells of a column by itself, as polars and Arrow have it; None of anything else."""
    for way in ("to_pylist", "to_list"):
        if hasattr(column, way) and not hasattr(column, "columns"):
            return list(getattr(column, way)())
    return None


def _of_pandas(frame: Any) -> list[Sequence[Any]]:
    return list(frame.to_dict("list").values()) if len(frame) else [[] for _ in frame.columns]
