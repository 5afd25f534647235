"""A sum over another sum: however samples are divided into batches, each part counts the same."""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.metrics.running import Metric, Summed, ratio


def ratio_of_sums(above: str, below: str, scale: float = 1.0) -> Metric:
    """The factor `scale` times the sum of one entry over the sum of another, NaN where that is 0.

    Args:
        above: name of the entry, numbers [batch], of what `update` is given.
        below: name of the other.
        scale: the factor.
    """

    def sums(**measured: Tensor) -> Tensor:
        return torch.stack([measured[name].double().sum() for name in (above, below)])

    return Summed(sums, lambda sums: scale * ratio(sums), (2,))
