"""Measures of selected members of sets: one, or any number."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from perceivers.metrics.answers.classes import LOG_LOSS, log_losses, rows_with_class
from perceivers.metrics.answers.measuring import Measure, mean_over_rows


def one_member_measures() -> Mapping[str, Measure]:
    """The measures by name; `preds` are scores [batch, members], `target` numbers of members [batch]."""
    return {
        "accuracy": mean_over_rows(is_selected, rows_with_class),
        LOG_LOSS: mean_over_rows(log_losses, rows_with_class),
    }


def several_member_measures() -> Mapping[str, Measure]:
    """The measures by name; `preds` are scores [batch, members], `target` 0 or 1 [batch, members]."""
    return {
        "f1": Measure(rows_with_members, f1_of_all, member_counts, (3,)),
        "exact_match": mean_over_rows(are_the_same, rows_with_members),
    }


def is_selected(scores: Tensor, target: Tensor) -> Tensor:
    """Bool [rows]: whether the true member has the highest score."""
    return scores.argmax(dim=-1) == target


def rows_with_members(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Bool [rows, members], selected and true, of the rows without a NaN in `target`; above 0 is selected."""
    target = target.double()
    there = ~target.isnan().any(dim=-1)
    return preds[there] > 0.0, target[there] > 0.5


def member_counts(selected: Tensor, target: Tensor) -> Tensor:
    """float64 [3]: members of all rows that are true, that are selected, and both."""
    return torch.stack([each.sum().double() for each in (target, selected, target & selected)])


def f1_of_all(counts: Tensor) -> Tensor:
    """F1 over the members of all rows; NaN where none is true or selected."""
    true, selected, both = counts
    return 2.0 * both / (true + selected)


def are_the_same(selected: Tensor, target: Tensor) -> Tensor:
    """Bool [rows]: whether those that are selected are the true ones, all of them and no others."""
    return (selected == target).all(dim=-1)
