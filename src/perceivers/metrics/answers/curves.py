"""What is measured of an order of rows, by SciPy and scikit-learn: areas under curves and correlations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.errors import MissingExtraError


def area_under_roc(scores: Tensor, is_true: Tensor) -> Tensor:
    """Share of pairs of a true and another row in which the true one has the higher score, half for equal ones.

    Args:
        scores: [rows], of any size.
        is_true: bool [rows].

    Returns:
        Scalar float64 in [0, 1]; NaN where all rows are alike in `is_true`.
    """
    if not bool(is_true.any()) or bool(is_true.all()):
        return _nothing(scores)
    true, other = _numbers(scores[is_true]), _numbers(scores[~is_true])
    # The statistic of Mann and Whitney counts these pairs.
    pairs = _scipy().mannwhitneyu(true, other, method="asymptotic").statistic
    return scores.new_tensor(pairs / (len(true) * len(other)), dtype=torch.float64)


def average_precision(scores: Tensor, is_true: Tensor) -> Tensor:
    """Mean over true rows of the share of true ones among all rows with at least their score, as scikit-learn has it.

    Args:
        scores: [rows], of any size.
        is_true: bool [rows].

    Returns:
        Scalar float64 in [0, 1]; NaN where no row is true.
    """
    if not bool(is_true.any()):
        return _nothing(scores)
    try:
        from sklearn.metrics import average_precision_score
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "train", "Measuring answers") from error
    # Of places, not of scores, which may be infinite.
    places = scores.unique(sorted=True, return_inverse=True)[1]
    return scores.new_tensor(
        average_precision_score(_numbers(is_true), _numbers(places)), dtype=torch.float64
    )


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's coefficient of two float64 [rows]; NaN where one of them is constant, or has infinite numbers."""
    if is_constant(first) or is_constant(second) or not bool((first + second).isfinite().all()):
        return _nothing(first)
    found = _scipy().pearsonr(_numbers(in_parts(first)[0]), _numbers(in_parts(second)[0]))
    return first.new_tensor(found.statistic)


def in_parts(values: Tensor) -> tuple[Tensor, Tensor]:
    """How far [rows] are from their mean, in parts of the farthest, and how far that is: of any size, squares are finite."""
    largest = values.abs().max()
    deviations = values - (values / largest).mean() * largest
    farthest = deviations.abs().max()
    return deviations / farthest, farthest


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's coefficient of two float64 [rows]; NaN where one of them is constant."""
    if is_constant(first) or is_constant(second):
        return _nothing(first)
    return first.new_tensor(_scipy().spearmanr(_numbers(first), _numbers(second)).statistic)


def is_constant(values: Tensor) -> bool:
    """Whether [rows] are all the same, or none."""
    # Differences from their mean would be rounding errors, and a ratio of these looks like a finding.
    return not bool((values != values[:1]).any())


def _scipy() -> Any:
    """The statistics of SciPy. They take seconds to import: here, behind the last batch, nobody waits for an answer."""
    try:
        import scipy.stats
    except ImportError as error:
        raise MissingExtraError("scipy", "train", "Measuring answers") from error
    return scipy.stats


def _numbers(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()


def _nothing(like: Tensor) -> Tensor:
    return like.new_tensor(torch.nan, dtype=torch.float64)
