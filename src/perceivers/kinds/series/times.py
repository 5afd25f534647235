"""Cells that say when a step was: numbers, or dates with times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from perceivers.data.numbers import Decimal, number_of
from perceivers.errors import DataError


def moment_of(cell: Any, decimal: Decimal = "point") -> float | None:
    """A number as it is, and a date with or without a time (2024-03-31, 2024-03-31T18:30:05.5+01:00) as seconds since 1970.

    Args:
        cell: without a zone, a time is taken as UTC.
        decimal: see `perceivers.data.numbers.number_of`.

    Raises:
        DataError: it is neither.
    """
    if isinstance(cell, date):
        whole = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
        return _seconds(whole)
    try:
        return number_of(cell, decimal)
    except DataError:
        if isinstance(cell, str):
            try:
                return _seconds(datetime.fromisoformat(cell.strip()))
            except ValueError:
                pass
        raise DataError(
            f"expected a time: a number, or a date such as 2024-03-31 18:30:05, received {cell!r:.80}"
        ) from None


def moments_of(
    cells: Sequence[Any], names: Sequence[str], column: str, decimal: Decimal = "point"
) -> np.ndarray:
    """The cells of a column as times, float64 [num_cells]; a DataError names a cell that is none, or is missing.

    Args:
        cells: see `moment_of`.
        names: what errors call each.
        column: what the column is called.
        decimal: see `moment_of`.
    """
    found = np.empty(len(cells), dtype=np.float64)
    for index, cell in enumerate(cells):
        try:
            moment = moment_of(cell, decimal)
        except DataError as error:
            raise DataError(f"`{names[index]}`, column {column!r}: {error}") from error
        if moment is None or math.isnan(moment):
            raise DataError(
                f"`{names[index]}` has no time in the column {column!r}, which steps are sorted by: fill it in, remove the "
                "row, or leave out `time_column`, so that the order of the rows holds"
            )
        found[index] = moment
    return found


def times_told_twice(times: np.ndarray, series: Sequence[Sequence[int]]) -> int:
    """How many steps have the time of another step of their series, float64 [num_steps] of all and the places of each."""
    return sum(len(steps) - len(np.unique(times[list(steps)])) for steps in series)


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
