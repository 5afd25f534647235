"""Features of series averaged in pairs, and their targets in the same shares: MixUp (Zhang and others 2018, 1710.09412)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def mixed_features(
    features: Tensor, labels: Tensor, *, num_classes: int, alpha: float
) -> tuple[Tensor, Tensor]:
    """Average each sample with another of the batch, its own share drawn from Beta(alpha, alpha) by torch's generator.

    Args:
        features: [batch, num_features].
        labels: class ids [batch].
        num_classes: entries of a target.
        alpha: above 0; at 1 every share is as likely as any other, below it most samples stay almost as they are.

    Returns:
        Features of the same shape, and targets [batch, num_classes], each row summing to 1.
    """
    concentration = torch.tensor(float(alpha), device=features.device)
    drawn = torch.distributions.Beta(concentration, concentration).sample((len(features), 1))
    partners = torch.randperm(len(features), device=features.device)
    targets = F.one_hot(labels, num_classes).to(torch.float32)
    shares = drawn.to(features.dtype)
    return (
        shares * features + (1 - shares) * features[partners],
        drawn * targets + (1 - drawn) * targets[partners],
    )
