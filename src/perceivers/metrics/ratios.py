"""A sum over another sum, as a torchmetrics metric: however samples are divided into batches, each part counts the same."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import MissingExtraError


@cache
def ratio_of_sums(purpose: str) -> Any:
    """The metric's class, made when it is first asked for: torchmetrics belongs to an extra.

    An instance is made with the names of two arguments of `update`, tensors [batch], and a factor: it is the factor times the
    sum of the first over the sum of the second, NaN where that is 0.

    Args:
        purpose: what needs it, as it reads in "... needs `torchmetrics`".
    """
    try:
        from torchmetrics import Metric
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", purpose) from error

    class RatioOfSums(Metric):
        is_differentiable = False
        full_state_update = False
        above: Tensor
        below: Tensor

        def __init__(self, above: str, below: str, scale: float = 1.0) -> None:
            super().__init__()
            self.names, self.scale = (above, below), scale
            self.add_state("above", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
            self.add_state("below", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

        def update(self, **counts: Tensor) -> None:
            self.above += counts[self.names[0]].sum()
            self.below += counts[self.names[1]].sum()

        def compute(self) -> Tensor:
            return self.scale * self.above / self.below

    return RatioOfSums
