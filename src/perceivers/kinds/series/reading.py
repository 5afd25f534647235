"""A cell as a series: values in the row itself, or a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.errors import DataError
from perceivers.kinds.base import is_empty
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns, as_series, read_series_file
from perceivers.kinds.series.number_texts import is_list_text, looks_like_numbers, numbers_in


def series_of(cell: Any, table: Any, columns: SeriesColumns) -> np.ndarray | None:
    """The series that a cell holds or names; None for an empty cell.

    Args:
        cell: numbers [num_steps, num_channels] or [num_steps], the same as JSON text, or the path of a file of a series.
        table: what the cell is from; relative paths belong to its `root`.
        columns: which columns of such a file are channels.

    Returns:
        float32 [num_steps, num_channels], NaN where a value is missing.
    """
    if is_list_text(cell):
        cell = numbers_in(cell)
    if not isinstance(cell, str | Path):
        return None if is_empty(cell) else as_series(cell, channels_first=columns.channels_first)
    if is_empty(cell):
        return None
    return read_series_file(table.path(str(cell)), columns, getattr(table, "decimal", "point"))


def require_shape(series: np.ndarray, num_channels: int | None, max_length: int | None) -> None:
    """Raise DataError for a series of other channels or with too many steps; None admits any."""
    steps, channels = series.shape
    if num_channels is not None and channels != num_channels:
        raise DataError(f"a series must have {num_channels} channels, received {channels}")
    if max_length is not None and steps > max_length:
        raise DataError(
            f"a series must be at most {max_length} steps long (`max_length`), received {steps}: cut it, or train "
            "with a larger `max_length` or with relative positions"
        )


def require_values(series: np.ndarray, *, allow_missing: bool) -> None:
    """Raise DataError for an infinite value, and for a missing one (NaN) unless that is allowed."""
    for bad, what in ((np.isinf(series), "is infinite"), (np.isnan(series), "is missing")):
        if bad.any() and not (what == "is missing" and allow_missing):
            step, channel = np.argwhere(bad)[0]
            more = f" (and {int(bad.sum()) - 1} more values)" if bad.sum() > 1 else ""
            advice = "; take `--missing interpolate` or `--missing mark`" if what == "is missing" else ""
            raise DataError(f"the value of step {step + 1}, channel {channel + 1} {what}{more}{advice}")


def looks_like_series(cell: Any) -> bool:
    """Whether a cell is numbers in one or two axes of several steps, also as text, or names a file of a series."""
    if isinstance(cell, str):
        return (
            looks_like_numbers(cell) if is_list_text(cell) else Path(cell).suffix.lower() in SERIES_SUFFIXES
        )
    if isinstance(cell, np.ndarray):
        return cell.dtype.kind in "iuf" and cell.dtype != np.uint8 and cell.ndim in (1, 2)
    if isinstance(cell, Mapping) or not isinstance(cell, list | tuple) or not cell:
        return False
    first = cell[0][0] if isinstance(cell[0], list | tuple) and cell[0] else cell[0]
    return isinstance(first, int | float) and not isinstance(first, bool)
