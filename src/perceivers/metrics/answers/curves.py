"""What is measured of an order of rows, by torchmetrics: area under the ROC curve, average precision, correlations."""

from __future__ import annotations

from typing import Any

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
    area: Tensor = functional().classification.binary_auroc(
        _shares(scores), is_true.long(), validate_args=False
    )
    return area.double()


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
    precision: Tensor = functional().classification.binary_average_precision(
        _shares(scores), is_true.long(), validate_args=False
    )
    return precision.double()


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's coefficient of two float64 [rows]; NaN where one of them is constant, or has infinite numbers."""
    if is_constant(first) or is_constant(second) or not bool((first + second).isfinite().all()):
        return _nothing(first)
    found: Tensor = functional().pearson_corrcoef(in_parts(first)[0], in_parts(second)[0])
    return found


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
    found: Tensor = functional().spearman_corrcoef(first, second)
    return found


def is_constant(values: Tensor) -> bool:
    """Whether [rows] are all the same, or none."""
    # Differences from their mean would be rounding errors, and a ratio of these looks like a finding.
    return not bool((values != values[:1]).any())


def functional() -> Any:
    """The functions of torchmetrics. They take seconds to import: here, behind the last batch, nobody waits for an answer."""
    try:
        import torchmetrics.functional
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring answers") from error
    return torchmetrics.functional


def _shares(scores: Tensor) -> Tensor:
    """Scores as numbers in [0, 1) in the same order, which torchmetrics leaves as they are: it takes a sigmoid of others."""
    _, place = scores.unique(sorted=True, return_inverse=True)
    return place.double() / max(len(scores), 1)


def _nothing(like: Tensor) -> Tensor:
    return like.new_tensor(torch.nan, dtype=torch.float64)
