"""Measures of numbers: errors in the units of the data, correlations, and how good quantiles are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from perceivers.metrics.answers.curves import correlation, in_parts, is_constant, rank_correlation
from perceivers.metrics.answers.measuring import Measure, mean_over_rows

# What is better where it is lower.
ERRORS = ("rmse", "mae", "mean_squared_error", "interval_width", "pinball")


def number_measures(quantiles: Sequence[float] = ()) -> Mapping[str, Measure]:
    """The measures by name; `preds` are numbers [batch], or [batch, quantiles] where these are given, `target` [batch]."""
    middle = middle_quantile(quantiles)

    def point(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        preds, target = rows_with_number(preds, target)
        return (preds if middle is None else preds[:, middle]), target

    def squared_errors(preds: Tensor, target: Tensor) -> Tensor:
        return (preds - target).square()

    measures = {
        "rmse": Measure(point, root_mean_square_error),
        "mae": Measure(point, mean_absolute_error),
        "r2": Measure(point, r2),
        "mean_squared_error": mean_over_rows(squared_errors, point),
        "pearson": Measure(point, correlation),
        "spearman": Measure(point, rank_correlation),
    }
    if quantiles:
        shares = tuple(quantiles)
        measures["pinball"] = mean_over_rows(
            lambda preds, target: pinball_losses(preds, target, shares), rows_with_number
        )
    if len(quantiles) > 1:
        measures["coverage"] = mean_over_rows(is_inside, rows_with_number)
        measures["interval_width"] = mean_over_rows(
            lambda preds, _: preds[:, -1] - preds[:, 0], rows_with_number
        )
    return measures


def rows_with_number(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both as float64, of the rows whose target is not NaN."""
    target = target.double()
    there = ~target.isnan()
    return preds[there].double(), target[there]


def middle_quantile(quantiles: Sequence[float]) -> int | None:
    """Place of the quantile nearest to the median, the lower one of two; None where there are no quantiles."""
    return min(range(len(quantiles)), key=lambda place: round(abs(quantiles[place] - 0.5), 9), default=None)


def root_mean_square_error(preds: Tensor, target: Tensor) -> Tensor:
    """Of float64 [rows], of any size: squares of 1e200 would be infinite, and those of 1e-200 nothing; NaN of no rows."""
    parts, size = _errors_in_parts(preds, target)
    return parts.square().mean().sqrt() * size


def mean_absolute_error(preds: Tensor, target: Tensor) -> Tensor:
    """Of float64 [rows], of any size; NaN of no rows."""
    parts, size = _errors_in_parts(preds, target)
    return parts.mean() * size


def _errors_in_parts(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """How large errors are, in parts of the largest, and how large that is."""
    errors = (preds - target).abs()
    largest = float(errors.amax()) if len(errors) else 0.0
    # Nothing has no parts, nor has what is infinite.
    size = errors.new_tensor(largest if 0.0 < largest < math.inf else 1.0)
    return errors / size, size


def r2(preds: Tensor, target: Tensor) -> Tensor:
    """Share of the variance of `target` that is explained: 0 is what its mean has; NaN where it is constant.

    Numbers of any size: squares of 1e200 would be infinite, and those of 1e-5 would be nothing beside the 1e-4 from which on
    some libraries see a difference.
    """
    # Of a single row, or of rows that do not differ, there is nothing to explain.
    if is_constant(target):
        return target.new_tensor(torch.nan)
    deviations, size = in_parts(target)
    errors = (preds - target) / size
    return 1.0 - errors.square().sum() / deviations.square().sum()


def pinball_losses(preds: Tensor, target: Tensor, quantiles: Sequence[float]) -> Tensor:
    """Loss that each quantile is the best answer to, the mean over them (Koenker and Bassett 1978).

    Args:
        preds: [rows, quantiles].
        target: [rows].
        quantiles: the shares, in (0, 1).

    Returns:
        [rows], in the units of the data.
    """
    shares = preds.new_tensor(quantiles)
    above = target[:, None] - preds
    return torch.maximum(shares * above, (shares - 1.0) * above).mean(dim=-1)


def is_inside(preds: Tensor, target: Tensor) -> Tensor:
    """Bool [rows]: whether the true value lies between the outer two of `preds` [rows, quantiles], or on one of them."""
    return (preds[:, 0] <= target) & (target <= preds[:, -1])
