"""Samples of a batch averaged in pairs, and their targets in the same shares: MixUp (Zhang and others 2018, 1710.09412)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def mixed_in_pairs(
    values: Tensor, labels: Tensor, *, num_classes: int, alpha: float
) -> tuple[Tensor, Tensor]:
    """Average each sample with another of the batch, its own share drawn from Beta(alpha, alpha) by torch's generator.

    Args:
        values: floats, [batch, ...]: features, spectrograms.
        labels: class ids [batch]; or, of several labels, whether each holds, floats [batch, num_classes].
        num_classes: entries of a target.
        alpha: above 0; at 1 every share is as likely as any other, below it most samples stay almost as they are.

    Returns:
        Values of the same shape, and targets [batch, num_classes]; of class ids each row sums to 1.
    """
    concentration = torch.tensor(float(alpha), device=values.device)
    drawn = torch.distributions.Beta(concentration, concentration).sample((len(values), 1))
    partners = torch.randperm(len(values), device=values.device)
    targets = labels if labels.is_floating_point() else F.one_hot(labels, num_classes).to(torch.float32)
    shares = drawn.to(values.dtype).view(-1, *[1] * (values.ndim - 1))
    return (
        shares * values + (1 - shares) * values[partners],
        drawn * targets + (1 - drawn) * targets[partners],
    )
