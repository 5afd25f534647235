"""The widest numbers that a device has: float64, or float32 where there is no other (Apple's GPU)."""

from __future__ import annotations

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """Give the widest type of floats that a device has."""
    return torch.float32 if device.type == "mps" else torch.float64


def wide(values: Tensor) -> Tensor:
    """Give values [...] as the widest floats of their device."""
    return values.to(widest(values.device))
