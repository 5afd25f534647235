"""What is measured of an order of rows, by torchmetrics: area under the ROC curve, average precision, correlations."""

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
    from torchmetrics.functional.classification import binary_auroc

    if not bool(is_true.any()) or bool(is_true.all()):
        return _nothing(scores)
    return binary_auroc(_shares(scores), is_true.long(), validate_args=False).double()


def average_precision(scores: Tensor, is_true: Tensor) -> Tensor:
    """Mean over true rows of the share of true ones among all rows with at least their score, as scikit-learn has it.

    Args:
        scores: [rows], of any size.
        is_true: bool [rows].

    Returns:
        Scalar float64 in [0, 1]; NaN where no row is true.
    """
    from torchmetrics.functional.classification import binary_average_precision

    if not bool(is_true.any()):
        return _nothing(scores)
    return binary_average_precision(_shares(scores), is_true.long(), validate_args=False).double()


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's coefficient of two float64 [rows]; NaN where one of them is constant."""
    from torchmetrics.functional import pearson_corrcoef

    if is_constant(first) or is_constant(second):
        return _nothing(first)
    return pearson_corrcoef(first, second)


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's coefficient of two float64 [rows]; NaN where one of them is constant."""
    from torchmetrics.functional import spearman_corrcoef

    if is_constant(first) or is_constant(second):
        return _nothing(first)
    return spearman_corrcoef(first, second)


def is_constant(values: Tensor) -> bool:
    """Whether [rows] are all the same, or none."""
    # Differences from their mean would be rounding errors, and a ratio of these looks like a finding.
    return not bool((values != values[:1]).any())


def _shares(scores: Tensor) -> Tensor:
    """Scores as numbers in [0, 1) in the same order, which torchmetrics leaves as they are: it takes a sigmoid of others."""
    _, place = scores.unique(sorted=True, return_inverse=True)
    return place.double() / max(len(scores), 1)


def _nothing(like: Tensor) -> Tensor:
    return like.new_tensor(torch.nan, dtype=torch.float64)
