"""A measure as plain functions of rows, and the torchmetrics metric that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class Measure:
    """A measure of rows.

    Args:
        prepare: (preds, target) -> both of the rows whose target is there, as the next function takes them.
        value: of what `prepare` gave, (preds, target) -> the measure; or, where `sums` is given, sums -> the measure.
        sums: (preds, target) -> float64 of `shape`, which adds up over batches; None where all rows are kept instead, as
            whatever ranks rows needs.
        shape: of the sums.
    """

    prepare: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    value: Callable[..., Tensor]
    sums: Callable[[Tensor, Tensor], Tensor] | None = None
    shape: tuple[int, ...] = ()


def mean_over_rows(
    each: Callable[[Tensor, Tensor], Tensor],
    prepare: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    finish: Callable[[Tensor], Tensor] = Tensor.clone,
) -> Measure:
    """`finish` of the mean of what `each` gives for every row, (preds, target) -> numbers or bool [rows]."""

    def sums(preds: Tensor, target: Tensor) -> Tensor:
        values = each(preds, target).double()
        return torch.stack([values.sum(), torch.ones_like(values).sum()])

    return Measure(prepare, lambda sums: finish(sums[0] / sums[1]), sums, (2,))


def as_metric(measure: Measure) -> Metric:
    """A fresh metric of a measure."""
    summed, kept = _classes()
    metric: Metric = kept(measure) if measure.sums is None else summed(measure)
    return metric


@cache
def _classes() -> tuple[Any, Any]:
    """Both metrics' classes, made when they are first asked for: torchmetrics belongs to an extra."""
    try:
        from torchmetrics import Metric
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring answers") from error

    class Summed(Metric):
        """What adds up over batches."""

        is_differentiable = False
        full_state_update = False
        sums: Tensor

        def __init__(self, measure: Measure) -> None:
            super().__init__()
            self.measure = measure
            self.add_state("sums", torch.zeros(measure.shape, dtype=torch.float64), dist_reduce_fx="sum")

        def update(self, preds: Tensor, target: Tensor) -> None:
            assert self.measure.sums is not None
            self.sums = self.sums + self.measure.sums(*self.measure.prepare(preds, target))

        def compute(self) -> Tensor:
            return self.measure.value(self.sums)

    class Kept(Metric):
        """What needs all rows at once."""

        is_differentiable = False
        full_state_update = False
        preds: Any
        target: Any

        def __init__(self, measure: Measure) -> None:
            super().__init__()
            self.measure = measure
            self.add_state("preds", [], dist_reduce_fx="cat")
            self.add_state("target", [], dist_reduce_fx="cat")

        def update(self, preds: Tensor, target: Tensor) -> None:
            preds, target = self.measure.prepare(preds, target)
            self.preds.append(preds)
            self.target.append(target)

        def compute(self) -> Tensor:
            # Lists, or what the processes' lists became when they were joined.
            preds, target = (
                torch.cat(rows) if isinstance(rows, list) else rows for rows in (self.preds, self.target)
            )
            return self.measure.value(preds, target)

    return Summed, Kept
