"""A measure as plain functions of rows, and the metric that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from perceivers.metrics.running import Kept, Metric, Summed, ratio


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

    return Measure(prepare, lambda sums: finish(ratio(sums)), sums, (2,))


def as_metric(measure: Measure) -> Metric:
    """A fresh metric of a measure, updated with `preds` and `target`."""

    def rows(preds: Tensor, target: Tensor, **_: Tensor) -> tuple[Tensor, Tensor]:
        return measure.prepare(preds, target)

    if measure.sums is None:
        return Kept(rows, measure.value)
    sums = measure.sums
    return Summed(lambda *given, **named: sums(*rows(*given, **named)), measure.value, measure.shape)
