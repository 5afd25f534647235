"""What is measured of an order of rows: area under the ROC curve, average precision, correlations."""

from __future__ import annotations

import torch
from torch import Tensor


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
    num_true = int(is_true.sum())
    # Mann and Whitney's count of pairs, from the ranks of the true rows.
    pairs = ranks(scores)[is_true].sum() - num_true * (num_true + 1) / 2
    return pairs / (num_true * (len(scores) - num_true))


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
    _, place, counts = scores.unique(sorted=True, return_inverse=True, return_counts=True)
    # By score, the highest first; rows with one score count together.
    true = torch.zeros(len(counts), dtype=torch.float64).index_add(0, place, is_true.double()).flip(0)
    return (true * true.cumsum(0) / counts.flip(0).cumsum(0)).sum() / true.sum()


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's coefficient of two float64 [rows]; NaN where one of them is constant."""
    if is_constant(first) or is_constant(second):
        return _nothing(first)
    first, second = first - first.mean(), second - second.mean()
    # By their largest values first: squares of very small and very large numbers have no float64.
    first, second = first / first.abs().max(), second / second.abs().max()
    return (first @ second / (first.norm() * second.norm())).clamp(-1.0, 1.0)


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's coefficient of two float64 [rows]; NaN where one of them is constant."""
    if is_constant(first) or is_constant(second):
        return _nothing(first)
    return correlation(ranks(first), ranks(second))


def is_constant(values: Tensor) -> bool:
    """Whether [rows] are all the same, or none."""
    # Differences from their mean would be rounding errors, and a ratio of these looks like a finding.
    return not bool((values != values[:1]).any())


def ranks(values: Tensor) -> Tensor:
    """Places of [rows] in their order, float64 from 1; equal ones share the mean of their places."""
    _, place, counts = values.unique(sorted=True, return_inverse=True, return_counts=True)
    return (counts.cumsum(0) - (counts - 1) / 2.0).double()[place]


def _nothing(like: Tensor) -> Tensor:
    return like.new_tensor(torch.nan, dtype=torch.float64)
