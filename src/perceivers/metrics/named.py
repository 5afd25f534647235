"""The mean of one number a sample, taken by its name from what a step measured."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from torchmetrics import Metric


def mean_of(name: str) -> Metric:
    """Mean over samples of the entry `name`, numbers [batch], of what `update` is given."""
    metric: Metric = _class()(name)
    return metric


@cache
def _class() -> Any:
    """The metric's class, made when it is first asked for: torchmetrics belongs to an extra."""
    try:
        from torchmetrics import Metric
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring a model") from error

    class MeanOf(Metric):
        is_differentiable = False
        full_state_update = False
        total: Tensor
        count: Tensor

        def __init__(self, name: str) -> None:
            super().__init__()
            self.measured_name = name
            self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
            self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

        def update(self, **measured: Tensor) -> None:
            values = measured[self.measured_name]
            self.total += values.double().sum()
            self.count += values.numel()

        def compute(self) -> Tensor:
            return self.total / self.count

    return MeanOf
