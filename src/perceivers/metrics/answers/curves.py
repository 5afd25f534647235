"""What is measured of an order of rows: area under the ROC curve, average precision, ranks."""

from __future__ import annotations

import torch
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Place of each value in rising order, from 1 on, equal ones sharing the mean of their places.

    Args:
        values: [rows].

    Returns:
        float64 [rows].
    """
    _, place, counts = values.unique(sorted=True, return_inverse=True, return_counts=True)
    last = counts.double().cumsum(0)
    return (last - (counts.double() - 1.0) / 2.0)[place]


def area_under_roc(scores: Tensor, is_true: Tensor) -> Tensor:
    """Share of pairs of a true and another row in which the true one has the higher score, half for equal ones.

    This is the area under the ROC curve (Mann and Whitney's U divided by the number of pairs).

    Args:
        scores: [rows].
        is_true: bool [rows].

    Returns:
        Scalar float64 in [0, 1]; NaN where all rows are alike in `is_true`.
    """
    positives = is_true.sum().double()
    negatives = is_true.numel() - positives
    of_true = ranks(scores)[is_true].sum()
    return (of_true - positives * (positives + 1.0) / 2.0) / (positives * negatives)


def average_precision(scores: Tensor, is_true: Tensor) -> Tensor:
    """Mean over true rows of the share of true ones among all rows with at least their score, as scikit-learn has it.

    Args:
        scores: [rows].
        is_true: bool [rows].

    Returns:
        Scalar float64 in [0, 1]; NaN where no row is true.
    """
    distinct, place = scores.unique(sorted=True, return_inverse=True)
    # From the highest score down.
    place = len(distinct) - 1 - place
    zeros = torch.zeros(len(distinct), dtype=torch.float64, device=scores.device)
    found = zeros.index_add(0, place, is_true.double())
    precision = found.cumsum(0) / zeros.index_add(0, place, torch.ones_like(is_true).double()).cumsum(0)
    return (found * precision).sum() / is_true.sum().double()


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's coefficient of two float64 [rows]; NaN where one of them is constant."""
    if is_constant(first) or is_constant(second):
        return first.new_tensor(torch.nan)
    first, second = first - first.mean(), second - second.mean()
    return (first * second).sum() / (first.square().sum().sqrt() * second.square().sum().sqrt())


def is_constant(values: Tensor) -> bool:
    """Whether [rows] are all the same, or none."""
    # Differences from their mean would be rounding errors, and a ratio of these looks like a finding.
    return not bool((values != values[:1]).any())
