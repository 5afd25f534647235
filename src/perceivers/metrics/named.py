"""The mean of one number a sample, taken by its name from what a step measured."""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.metrics.running import Metric, Summed, ratio


def mean_of(name: str) -> Metric:
    """Mean over samples of the entry `name`, numbers [batch], of what `update` is given."""

    def sums(**measured: Tensor) -> Tensor:
        values = measured[name].double()
        return torch.stack([values.sum(), torch.ones_like(values).sum()])

    return Summed(sums, ratio, (2,))
