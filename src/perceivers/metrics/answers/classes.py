"""Measures of one class out of several: from counts by true class and answer, from probabilities, from orders of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from perceivers.metrics.answers.curves import area_under_roc
from perceivers.metrics.answers.measuring import Measure, mean_over_rows
from perceivers.metrics.calibration import MISSING_CLASS, bin_sums, error_of_bins

CONFUSIONS, LOG_LOSS, CALIBRATION_ERROR = "confusions", "log_loss", "calibration_error"
BINS = 15
TOP = 5


def class_measures(num_classes: int) -> Mapping[str, Measure]:
    """The measures of `num_classes` classes by name; `preds` are logits [batch, classes], `target` ids [batch]."""

    def of_counts(value: Callable[[Tensor], Tensor]) -> Measure:
        return Measure(rows_with_class, value, confusions, (num_classes, num_classes))

    measures = {
        "accuracy": of_counts(accuracy),
        "balanced_accuracy": of_counts(balanced_accuracy),
        "f1": of_counts(f1_of_the_second if num_classes == 2 else macro_f1),
        "roc_auc": Measure(rows_with_class, roc_auc),
        LOG_LOSS: mean_over_rows(log_losses, rows_with_class),
        "matthews": of_counts(matthews),
        CALIBRATION_ERROR: Measure(rows_with_class, error_of_bins, _bins_of_logits, (3, BINS)),
    }
    if num_classes > TOP:
        measures[f"top_{TOP}_accuracy"] = mean_over_rows(is_among_the_first, rows_with_class)
    return {**measures, CONFUSIONS: of_counts(Tensor.long)}


def rows_with_class(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits float64 [rows, classes] and ids int64 [rows] of the rows whose class is not -100."""
    target = target.long()
    there = target != MISSING_CLASS
    return preds[there].double(), target[there]


def confusions(logits: Tensor, target: Tensor) -> Tensor:
    """Counts float64 [classes, classes] by true class and answer, the class with the highest score."""
    size = logits.shape[-1]
    places = target * size + logits.argmax(dim=-1)
    return torch.bincount(places, minlength=size * size).reshape(size, size).double()


def accuracy(counts: Tensor) -> Tensor:
    """Share of right answers."""
    return counts.trace() / counts.sum()


def balanced_accuracy(counts: Tensor) -> Tensor:
    """Mean over the classes that occur of the share of their rows that is found: chance is 1 / classes."""
    return (counts.diagonal() / counts.sum(dim=1)).nanmean()


def macro_f1(counts: Tensor) -> Tensor:
    """Mean of the classes' F1, over those that occur as truth or answer."""
    return _f1(counts).nanmean()


def f1_of_the_second(counts: Tensor) -> Tensor:
    """F1 of class 1, as it is usual of yes and no; 0 where it occurs neither as truth nor as answer, NaN without rows."""
    return _f1(counts)[1].nan_to_num(0.0) if counts.any() else counts.new_tensor(torch.nan)


def matthews(counts: Tensor) -> Tensor:
    """Correlation of truth and answer (Gorodkin 2004), in [-1, 1]; 0 where one of them is always the same class."""
    total, right = counts.sum(), counts.trace()
    truth, answers = counts.sum(dim=1), counts.sum(dim=0)
    above = right * total - truth @ answers
    below = ((total.square() - answers @ answers) * (total.square() - truth @ truth)).sqrt()
    return (above / below).nan_to_num(0.0) if total else counts.new_tensor(torch.nan)


def roc_auc(logits: Tensor, target: Tensor) -> Tensor:
    """Area under the ROC curve: of class 1 where there are two, else the mean over the classes, each against all others.

    Classes that do not occur in `target`, and one that is alone there, have none and are left out.
    """
    if logits.shape[-1] == 2:
        return area_under_roc(logits[:, 1] - logits[:, 0], target == 1)
    areas = [logits.new_tensor(torch.nan)]
    for index in target.unique().tolist():
        others = torch.cat([logits[:, :index], logits[:, index + 1 :]], dim=1)
        # The logit of the class' probability: it has its order, and does not become the same for all that are sure.
        areas.append(area_under_roc(logits[:, index] - others.logsumexp(dim=1), target == index))
    return torch.stack(areas).nanmean()


def log_losses(logits: Tensor, target: Tensor) -> Tensor:
    """-log probability of the true class, [rows], in nats."""
    return -logits.log_softmax(dim=-1).gather(1, target[:, None])[:, 0]


def is_among_the_first(logits: Tensor, target: Tensor) -> Tensor:
    """Bool [rows]: whether the true class is among the five with the highest scores."""
    return (logits.topk(TOP, dim=-1).indices == target[:, None]).any(dim=-1)


def _f1(counts: Tensor) -> Tensor:
    """F1 of each class; NaN of one that occurs neither as truth nor as answer."""
    return 2.0 * counts.diagonal() / (counts.sum(dim=0) + counts.sum(dim=1))


def _bins_of_logits(logits: Tensor, target: Tensor) -> Tensor:
    probability, answer = logits.softmax(dim=-1).max(dim=-1)
    return bin_sums(probability, answer == target, BINS)
