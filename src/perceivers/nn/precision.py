"""The number formats that a device has: the widest one, and whether half precision is the fast one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """Give the widest type of floats that a device has."""
    return torch.float32 if device.type == "mps" else torch.float64


def wide(values: Tensor) -> Tensor:
    """Give values [...] as the widest floats of their device."""
    return values.to(widest(values.device))


def multiplies_bfloat16() -> bool:
    """Whether the processor has units that multiply matrices of bfloat16 (AMX); without them bfloat16 is no faster."""
    # Not in older versions of torch.
    capabilities: Callable[[], Mapping[str, object]] = getattr(torch.cpu, "get_capabilities", dict)
    return bool(capabilities().get("amx_bf16", False))
