"""Metrics that are fed batch after batch: sums that add up, rows that are kept, several under their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor


class Metric(Protocol):
    """One metric. What its `update` is given beside its own arguments it leaves alone."""

    def update(self, *given: Tensor, **measured: Tensor) -> None:
        """Take in one batch."""

    def compute(self) -> Tensor:
        """The metric of all batches since the beginning, or since `reset`."""

    def reset(self) -> None:
        """Forget all batches."""


class NamedMetrics(Protocol):
    """What tasks measure by: `Metrics`, or the `MetricCollection` of torchmetrics in a task of one's own."""

    def update(self, **measured: Tensor) -> None:
        """Take in one batch."""

    def compute(self) -> Mapping[str, Any]:
        """Each metric by its name."""

    def values(self) -> Iterable[Any]:
        """The metrics."""


class Metrics(Mapping[str, Metric]):
    """Metrics by name, fed together; names may be any.

    Example:
        metrics = Metrics({"loss": mean_of("loss"), "epe": ...})
        metrics.update(loss=losses, sums=sums)  # as often as wanted
        print(metrics.compute()["loss"])
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = dict(metrics)

    def __getitem__(self, name: str) -> Metric:
        return self._metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def update(self, **measured: Tensor) -> None:
        """Take in one batch: each metric finds its own arguments in `measured`."""
        for metric in self._metrics.values():
            metric.update(**measured)

    def compute(self) -> dict[str, Tensor]:
        """Each metric by its name."""
        return {name: metric.compute() for name, metric in self._metrics.items()}

    def reset(self) -> None:
        """Forget all batches."""
        for metric in self._metrics.values():
            metric.reset()


class Summed:
    """A metric of what adds up over batches: however samples are divided into batches, each counts the same.

    Args:
        sums: what `update` is given -> float64 of `shape`.
        value: their sum over all batches -> the metric.
        shape: of the sums.
    """

    def __init__(
        self, sums: Callable[..., Tensor], value: Callable[[Tensor], Tensor], shape: tuple[int, ...]
    ) -> None:
        self._of_batch, self._value = sums, value
        self._sums = torch.zeros(shape, dtype=torch.float64)

    def update(self, *given: Tensor, **measured: Tensor) -> None:
        """Take in one batch."""
        # Not in place: a value computed before may be the sums themselves.
        self._sums = self._sums + self._of_batch(*given, **measured)

    def compute(self) -> Tensor:
        """The metric of all batches."""
        return self._value(self._sums)

    def reset(self) -> None:
        """Forget all batches."""
        self._sums = torch.zeros_like(self._sums)


class Kept:
    """A metric that needs all rows at once.

    Args:
        rows: what `update` is given -> answers and truth of the rows that count.
        value: (answers, truth) of all batches -> the metric.
    """

    def __init__(
        self, rows: Callable[..., tuple[Tensor, Tensor]], value: Callable[[Tensor, Tensor], Tensor]
    ) -> None:
        self._of_batch, self._value = rows, value
        self.reset()

    def update(self, *given: Tensor, **measured: Tensor) -> None:
        """Take in one batch."""
        self._rows.append(self._of_batch(*given, **measured))

    def compute(self) -> Tensor:
        """The metric of all batches, at least one."""
        answers, truth = zip(*self._rows, strict=True)
        return self._value(torch.cat(answers), torch.cat(truth))

    def reset(self) -> None:
        """Forget all batches."""
        self._rows: list[tuple[Tensor, Tensor]] = []


def finite(metrics: NamedMetrics) -> dict[str, float]:
    """The metrics of one value, but for those that have none: NaN of nothing measured, infinite relative to nothing."""
    found = {name: torch.as_tensor(value) for name, value in metrics.compute().items()}
    return {name: float(value) for name, value in found.items() if value.ndim == 0 and value.isfinite()}


def ratio(sums: Tensor) -> Tensor:
    """The first sum over the second; NaN where both are 0: there is nothing to speak of, and 0 would be a judgement."""
    return sums[0] / sums[1]
