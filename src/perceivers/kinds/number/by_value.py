"""Numbers by their values, as categories are: ids of those that the training rows have more than once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perceivers.modalities.ids import MISSING, NUM_RESERVED, UNKNOWN


def several_times(column: np.ndarray) -> tuple[float, ...]:
    """The finite values that a column has more than once, ascending; others could not be learned.

    Args:
        column: float64 [rows], NaN where one is missing.
    """
    values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    return tuple(values[counts > 1].tolist())


def ids_of(column: np.ndarray, known: Sequence[float]) -> np.ndarray:
    """Ids of numbers, int64 [rows]: 0 where one is missing, 1 where it is none of `known`, else from 2 on.

    Args:
        column: float64 [rows], NaN where one is missing.
        known: ascending.
    """
    if not known:
        return np.where(np.isnan(column), MISSING, UNKNOWN).astype(np.int64)
    places = np.searchsorted(known, column).clip(max=len(known) - 1)
    found = np.where(np.asarray(known)[places] == column, places + NUM_RESERVED, UNKNOWN)
    return np.where(np.isnan(column), MISSING, found).astype(np.int64)
