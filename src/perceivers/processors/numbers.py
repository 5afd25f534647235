"""Numbers of a table, normalised by their rank among the training values, and the bins of their encoding: pure functions."""

from __future__ import annotations

import math
import sys
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import DataError

_NORMAL = NormalDist()

Numbers = NDArray[np.float64]

# The largest result is the normal quantile of one minus this share, about 5.2.
_FARTHEST_SHARE = 1e-7
# Bins narrower than this share of a column's size are left out: their slopes would be noise in float32.
_NARROWEST_BIN = 1e-5
_SMALLEST_SIZE = 1e-3


def fit_quantiles(values: Numbers, num_quantiles: int = 1000) -> Numbers:
    """Quantiles of each column's known values, at evenly spaced shares from 0 to 1.

    Args:
        values: float64 [rows, columns], NaN where a value is missing.
        num_quantiles: how many at most, 2 or more; fewer rows have as many as there are rows.

    Returns:
        float64 [num_quantiles, columns], ascending in each column; zeros for a column without any value.

    Raises:
        DataError: no table, no rows, or infinite numbers.
    """
    table = _table("values", values)
    if num_quantiles < 2:
        raise DataError(f"`num_quantiles` must be at least 2, received {num_quantiles}")
    shares = np.linspace(0.0, 1.0, max(2, min(num_quantiles, len(table))))
    quantiles = np.zeros((len(shares), table.shape[1]))
    for column in range(table.shape[1]):
        known = table[:, column][~np.isnan(table[:, column])]
        if len(known) > 0:
            # Rounding may turn two neighbours round.
            quantiles[:, column] = np.maximum.accumulate(np.quantile(known, shares))
    return quantiles


def apply_quantiles(values: Numbers, quantiles: Numbers) -> Numbers:
    """Standard normal numbers of the same rank: the training values become normally distributed, whatever they were.

    A value that many rows share gets the middle of its ranks; values beyond the training ones get the farthest ranks. A
    constant column becomes 0 where it has that constant.

    Args:
        values: float64 [rows, columns], NaN where a value is missing.
        quantiles: what `fit_quantiles` found, [num_quantiles, columns].

    Returns:
        float64 [rows, columns], at most 5.2 away from 0, not descending where values ascend; NaN where values are.
    """
    table, known = _table("values", values), _of_columns(quantiles, values)
    shares = np.linspace(0.0, 1.0, len(known))
    ranks = np.full(table.shape, np.nan)
    for column in range(table.shape[1]):
        own, steps = table[:, column], known[:, column]
        # Equal quantiles have several shares: from above the largest is found, from below the smallest.
        largest = np.interp(own, steps, shares)
        smallest = 1.0 - np.interp(-own, -steps[::-1], shares)
        ranks[:, column] = (largest + smallest) / 2
    return _normal_quantile(np.clip(ranks, _FARTHEST_SHARE, 1 - _FARTHEST_SHARE))


def invert_quantiles(normal: Numbers, quantiles: Numbers) -> Numbers:
    """The values that `apply_quantiles` gives `normal` for, within the training values' range.

    Args:
        normal: float64 [rows, columns], NaN where a value is missing.
        quantiles: what `fit_quantiles` found, [num_quantiles, columns].

    Returns:
        float64 [rows, columns]; NaN where `normal` is.
    """
    table, known = _table("normal", normal), _of_columns(quantiles, normal)
    shares = np.linspace(0.0, 1.0, len(known))
    ranks = _normal_share(table)
    values = np.empty(table.shape)
    for column in range(table.shape[1]):
        values[:, column] = np.interp(ranks[:, column], shares, known[:, column])
    return values


def standardised(values: Numbers, quantiles: Numbers) -> Numbers:
    """Numbers less the mean of the training ones, by their standard deviation; beyond the training range, its ends.

    Mean and deviation are those of the quantiles, which all weigh alike. A constant column becomes 0.

    Args:
        values: float64 [rows, columns], NaN where a value is missing.
        quantiles: what `fit_quantiles` found, [num_quantiles, columns].

    Returns:
        float64 [rows, columns]; NaN where values are.
    """
    table, known = _table("values", values), _of_columns(quantiles, values)
    # In parts of the largest: the squares of large numbers are beyond float64, those of small ones are 0.
    largest = np.abs(known).max(axis=0)
    largest = np.where(largest > 0.0, largest, 1.0)
    parts, inside = known / largest, np.clip(table, known[0], known[-1]) / largest
    deviations = parts.std(axis=0)
    return (inside - parts.mean(axis=0)) / np.where(deviations > 0.0, deviations, 1.0)


def piecewise_edges(values: Numbers, num_bins: int = 48) -> list[list[float]]:
    """Edges of bins that hold equally many training values; a value that comes often is an edge by itself.

    They are for the encodings "piecewise" and "combined" of PerceiverNumberPreprocessor.

    Args:
        values: float64 [rows, columns], as the model will see them; NaN where a value is missing.
        num_bins: of a column at most; a column of few different values has fewer.

    Returns:
        Ascending edges of each column, two or more; a column of one value, or none, has a single bin around it.
    """
    table = _table("values", values)
    if num_bins < 1:
        raise DataError(f"`num_bins` must be at least 1, received {num_bins}")
    return [_edges(column[~np.isnan(column)], num_bins) for column in table.T]


def _edges(known: Numbers, num_bins: int) -> list[float]:
    if len(known) == 0:
        known = np.zeros(1)
    candidates = _candidates(known, num_bins)
    narrowest = _NARROWEST_BIN * max(candidates[-1] - candidates[0], abs(candidates).max(), _SMALLEST_SIZE)
    if candidates[-1] - candidates[0] <= narrowest:
        around = max(0.5, 2 * narrowest)
        return [float(candidates[0] - around), float(candidates[0] + around)]
    edges = [float(candidates[0])]
    for candidate in candidates[1:]:
        if candidate - edges[-1] > narrowest:
            edges.append(float(candidate))
    return edges


def _candidates(known: Numbers, num_bins: int) -> Numbers:
    """At most `num_bins` + 1 ascending edges.

    A value that fills a bin by itself is an edge, and the others share what is left: where most rows have one
    value, quantiles of all would give that value most of the bins.
    """
    values, counts = np.unique(known, return_counts=True)
    if len(values) <= num_bins + 1:
        return np.asarray(values, dtype=np.float64)
    often = values[counts * num_bins > len(known)]
    others = known[~np.isin(known, often)]
    shares = np.linspace(0.0, 1.0, max(2, num_bins + 1 - len(often)))
    return np.unique(np.concatenate([often, np.quantile(others, shares)]))[: num_bins + 1]


def _table(argument: str, values: Numbers) -> Numbers:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or len(table) == 0:
        raise DataError(
            f"`{argument}` must be numbers [rows, columns] of one row or more, received {list(table.shape)}"
        )
    if np.isinf(table).any():
        row, column = (int(place) for place in np.argwhere(np.isinf(table))[0])
        raise DataError(
            f"`{argument}` must be finite or NaN, received {table[row, column]} in row {row}, column {column}"
        )
    return table


def _of_columns(quantiles: Numbers, values: Numbers) -> Numbers:
    known = np.asarray(quantiles, dtype=np.float64)
    columns = np.shape(values)[1]
    if known.ndim != 2 or len(known) < 2 or known.shape[1] != columns:
        raise DataError(
            f"`quantiles` must be what `fit_quantiles` found for {columns} columns, received {list(known.shape)}"
        )
    return known


def _normal_quantile(shares: Numbers) -> Numbers:
    """What a share of normal numbers lies below; by torch where it is loaded, which is faster and equal to 1e-14."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        normal: Numbers = torch.special.ndtri(torch.from_numpy(shares)).numpy()
        return normal
    flat = [_NORMAL.inv_cdf(share) if 0.0 < share < 1.0 else _at_the_end(share) for share in shares.ravel()]
    return np.array(flat, dtype=np.float64).reshape(shares.shape)


def _normal_share(normal: Numbers) -> Numbers:
    """The share of normal numbers that lies below."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        shares: Numbers = torch.special.ndtr(torch.from_numpy(normal)).numpy()
        return shares
    flat = [0.5 * math.erfc(-value / math.sqrt(2.0)) for value in normal.ravel()]
    return np.array(flat, dtype=np.float64).reshape(normal.shape)


def _at_the_end(share: float) -> float:
    return math.nan if share != share else math.copysign(math.inf, share - 0.5)
