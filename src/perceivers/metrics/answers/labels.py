"""Measures of several labels at once: means over the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from perceivers.metrics.answers.curves import area_under_roc, average_precision
from perceivers.metrics.answers.measuring import Measure


def label_measures(num_labels: int) -> Mapping[str, Measure]:
    """The measures by name; `preds` are logits [batch, labels], `target` 0 or 1 [batch, labels]."""
    return {
        "mean_average_precision": Measure(rows_with_labels, _mean_over_labels(average_precision)),
        "f1": Measure(rows_with_labels, macro_f1, label_counts, (3, num_labels)),
        "roc_auc": Measure(rows_with_labels, _mean_over_labels(area_under_roc)),
    }


def rows_with_labels(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits float64 and bool, both [rows, labels], of the rows without a NaN in `target`."""
    target = target.double()
    there = ~target.isnan().any(dim=-1)
    return preds[there].double(), target[there] > 0.5


def label_counts(logits: Tensor, target: Tensor) -> Tensor:
    """float64 [3, labels]: rows that a label is true of, that it is answered of, and both; above 0 is yes."""
    answered = logits > 0.0
    return torch.stack([each.sum(dim=0).double() for each in (target, answered, target & answered)])


def macro_f1(counts: Tensor) -> Tensor:
    """Mean of the labels' F1, over those that occur as truth or answer."""
    true, answered, both = counts
    return (2.0 * both / (true + answered)).nanmean()


def _mean_over_labels(of_one: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean over the labels that have a value."""

    def mean(logits: Tensor, target: Tensor) -> Tensor:
        return torch.stack(
            [of_one(scores, is_true) for scores, is_true in zip(logits.T, target.T, strict=True)]
        ).nanmean()

    return mean
