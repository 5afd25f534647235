"""Many linear layers side by side, each for its own group of vectors."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from perceivers.errors import require_shape
from perceivers.nn.initialization import start_with_std


class GroupedLinear(nn.Module):
    """A linear layer for each group: columns of a table, or members of an ensemble.

    Trained from scratch, weights start as those of any linear layer, with standard deviation 1 / sqrt(in_channels).

    Args:
        num_groups: number of layers.
        in_channels: of a vector.
        out_channels: of a result.
    """

    def __init__(self, num_groups: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_channels)
        # As nn.Linear, for those who use it alone.
        self.weight = nn.Parameter(torch.empty(num_groups, out_channels, in_channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_groups, out_channels).uniform_(-bound, bound))
        start_with_std(self, bound)

    def forward(self, vectors: Tensor) -> Tensor:
        """[batch, num_groups, in_channels] to [batch, num_groups, out_channels]."""
        groups, _, channels = self.weight.shape
        require_shape("vectors", vectors, ("batch", groups, channels))
        return torch.einsum("bgi,goi->bgo", vectors, self.weight) + self.bias
