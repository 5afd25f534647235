"""The measures of several text tasks at once, each over the samples of its own task, as GLUE reports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.errors import MissingExtraError
from perceivers.metrics import answers

if TYPE_CHECKING:
    from torchmetrics import Metric, MetricCollection

CONFUSIONS = answers.CONFUSIONS
# What the options of text classification call the kinds of answers.
KINDS = {"one-class": "class", "several-labels": "labels", "number": "number"}


@dataclass(frozen=True)
class Asked:
    """What is measured of one task.

    Args:
        answer: "one-class", "several-labels" or "number".
        num_outputs: classes or labels; 1 for a number.
        measures: names, see `perceivers.metrics.answers.measure`; the first is the one that `score` takes.
    """

    answer: str
    num_outputs: int
    measures: tuple[str, ...]


def measure(name: str, answer: str, num_outputs: int) -> Metric:
    """A fresh metric, see `perceivers.metrics.answers.measure`; `answer` as in Asked."""
    return answers.measure(name, KINDS[answer], num_outputs)


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
        return of_task(measure(which, asked.answer, asked.num_outputs), names.index(name), asked)

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
        """A metric over the samples of one task; NaN, or no confusions, where it has none."""

        is_differentiable = False
        full_state_update = False

        def __init__(self, metric: Any, number: int, asked: Asked) -> None:
            super().__init__()
            self.metric, self.number, self.asked = metric, number, asked

        def update(self, preds: Tensor, target: Tensor, task: Tensor) -> None:
            chosen = task == self.number
            scores = preds[chosen, : self.asked.num_outputs]
            self.metric.update(scores[:, 0] if self.asked.answer == "number" else scores, target[chosen])

        def compute(self) -> Tensor:
            # Who has gathered the samples already switches gathering off at the outer metric alone.
            self.metric.sync_on_compute = self.sync_on_compute
            return self.metric.compute()

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
            for metric in self.metrics:
                metric.sync_on_compute = self.sync_on_compute
            return torch.stack([metric.compute().float() for metric in self.metrics]).nanmean()

        def reset(self) -> None:
            super().reset()
            for metric in self.metrics:
                metric.reset()

    return OfTask, Score
