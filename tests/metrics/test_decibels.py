"""Decibels of plain numbers: those of tensors, and an end where nothing is off."""

from __future__ import annotations

import pytest
import torch

from perceivers.metrics.decibels import decibels_of
from perceivers.metrics.signal_to_noise import decibels


def test_a_tenth_of_the_signal_is_ten_decibels() -> None:
    assert decibels_of(0.5, 0.05) == pytest.approx(10.0, abs=1e-12)
    assert decibels_of(1.0, 0.0) == decibels_of(3.0, 1e-12) == pytest.approx(100.0)


@pytest.mark.parametrize("noise", [0.0, 1e-14, 0.003, 7.0])
def test_numbers_and_tensors_agree(noise: float) -> None:
    assert decibels_of(0.7, noise) == pytest.approx(float(decibels(0.7, torch.tensor(noise))), abs=1e-5)
