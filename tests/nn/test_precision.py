"""The widest floats of a device."""

from __future__ import annotations

import torch

from perceivers.nn.precision import wide, widest


def test_apples_gpu_has_float32_and_every_other_device_float64() -> None:
    assert widest(torch.device("mps")) == torch.float32
    assert widest(torch.device("cpu")) == widest(torch.device("cuda")) == torch.float64


def test_whole_numbers_and_floats_become_wide() -> None:
    assert wide(torch.tensor([3, 5])).tolist() == [3.0, 5.0]
    assert wide(torch.tensor([0.5], dtype=torch.bfloat16)).dtype == torch.float64
