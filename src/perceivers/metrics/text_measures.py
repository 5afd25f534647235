"""What text classification reports, as GLUE does: by kind of answer, for one task or for several at once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from torchmetrics import Metric, MetricCollection

CONFUSIONS = "confusions"


@dataclass(frozen=True)
class Asked:
    """What is measured of one task.

    Args:
        answer: "one-class", "several-labels" or "number".
        num_outputs: classes or labels; 1 for a number.
        measures: names, see `measure`; the first is the one that `score` takes.
    """

    answer: str
    num_outputs: int
    measures: tuple[str, ...]


def measure(name: str, answer: str, num_outputs: int) -> Metric:
    """A fresh metric, updated with `preds` and `target`.

    For classes, `preds` are scores [batch, classes] and `target` ids [batch]: `accuracy`; `f1`, of the second class where
    there are two (as MRPC and QQP have it) and else the mean over the classes; `matthews`, the correlation that CoLA has;
    `confusions`, counts by true class and answer. For several labels, both are [batch, labels]:
    `mean_average_precision`, `f1` (the mean over the labels). For numbers, both are [batch]: `pearson` and `spearman`
    (STS-B), `mean_squared_error`.
    """
    try:
        import torchmetrics
        from torchmetrics import classification
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring answers") from error
    if answer == "number":
        kinds = {
            "pearson": torchmetrics.PearsonCorrCoef,
            "spearman": torchmetrics.SpearmanCorrCoef,
            "mean_squared_error": torchmetrics.MeanSquaredError,
        }
        with warnings.catch_warnings():
            # It keeps all numbers, which an order of them needs, and says so.
            warnings.filterwarnings("ignore", "Metric `SpearmanCorrcoef` will save all targets", UserWarning)
            return kinds[name]()
    if answer == "several-labels":
        if name == "f1":
            return classification.MultilabelF1Score(num_outputs, average="macro")
        return classification.MultilabelAveragePrecision(num_outputs, average="macro")
    if name == "accuracy":
        return classification.MulticlassAccuracy(num_outputs, average="micro")
    if name == CONFUSIONS:
        return classification.MulticlassConfusionMatrix(num_outputs)
    if name == "matthews":
        return classification.MulticlassMatthewsCorrCoef(num_outputs)
    if num_outputs == 2:
        return _f1_of_the_second()
    return classification.MulticlassF1Score(num_outputs, average="macro")


def measures_of_tasks(tasks: Mapping[str, Asked], names: Sequence[str]) -> MetricCollection:
    """Fresh metrics of several tasks at once, called "task/measure", and `score`: the mean of each task's first.

    Tasks with classes have "task/confusions" too.

    They are updated with `preds` [batch, most outputs of a task], `target` [batch] and `task` [batch], the place of each
    sample's task in `names`.

    Args:
        tasks: what is measured, by task.
        names: of all tasks of the model, in the order of their numbers.
    """
    of_task, score = _task_metrics()
    from torchmetrics import MetricCollection

    def restricted(name: str, which: str) -> Any:
        asked = tasks[name]
        # NaN of a task without samples: there is nothing to speak of.
        empty = (
            torch.zeros(asked.num_outputs, asked.num_outputs)
            if which == CONFUSIONS
            else torch.tensor(torch.nan)
        )
        return of_task(measure(which, asked.answer, asked.num_outputs), names.index(name), asked, empty)

    metrics = {
        f"{name}/{which}": restricted(name, which)
        for name, asked in tasks.items()
        for which in (*asked.measures, *((CONFUSIONS,) if asked.answer == "one-class" else ()))
    }
    firsts = [restricted(name, asked.measures[0]) for name, asked in tasks.items()]
    return MetricCollection({"score": score(firsts), **metrics}, compute_groups=False)


@cache
def _task_metrics() -> tuple[Any, Any]:
    """Both metrics' classes, made when they are first asked for: torchmetrics belongs to an extra."""
    try:
        from torchmetrics import Metric
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring answers") from error

    class OfTask(Metric):
        """A metric over the samples of one task."""

        is_differentiable = False
        full_state_update = False
        count: Tensor

        def __init__(self, metric: Any, number: int, asked: Asked, empty: Tensor) -> None:
            super().__init__()
            self.metric, self.number, self.asked, self.empty = metric, number, asked, empty
            self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

        def update(self, preds: Tensor, target: Tensor, task: Tensor) -> None:
            chosen = task == self.number
            if not chosen.any():
                return
            scores, truth = preds[chosen, : self.asked.num_outputs], target[chosen]
            if self.asked.answer == "number":
                self.metric.update(scores[:, 0].float(), truth.float())
            else:
                self.metric.update(scores, truth.long())
            self.count += int(chosen.sum())

        def compute(self) -> Tensor:
            return self.metric.compute() if self.count else self.empty.to(self.count.device)

        def reset(self) -> None:
            super().reset()
            self.metric.reset()

    class Score(Metric):
        """The mean over tasks."""

        is_differentiable = False
        full_state_update = False

        def __init__(self, metrics: list[Any]) -> None:
            super().__init__()
            self.metrics: Any = torch.nn.ModuleList(metrics)

        def update(self, preds: Tensor, target: Tensor, task: Tensor) -> None:
            for metric in self.metrics:
                metric.update(preds, target, task)

        def compute(self) -> Tensor:
            return torch.stack([metric.compute().float() for metric in self.metrics]).nanmean()

        def reset(self) -> None:
            super().reset()
            for metric in self.metrics:
                metric.reset()

    return OfTask, Score


def _f1_of_the_second() -> Any:
    from torchmetrics.classification import BinaryF1Score

    class F1OfTheSecond(BinaryF1Score):
        """BinaryF1Score of two classes' scores."""

        def update(self, preds: Tensor, target: Tensor) -> None:
            super().update(preds.argmax(dim=-1), target)

    return F1OfTheSecond()
