"""How far reconstructions are from what they should be, in decibels.

The metrics are updated with errors, one number a sample, instead of whole videos: memory stays small, and processes exchange
numbers alone. Errors come from `mean_squared_errors`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.metrics.decibels import HIGHEST_DECIBELS
from perceivers.metrics.running import Metric, Summed, ratio
from perceivers.nn.precision import wide, widest


def mean_squared_errors(values: Tensor, targets: Tensor) -> Tensor:
    """Mean squared difference of each sample.

    Args:
        values: [batch, ...].
        targets: the same shape.

    Returns:
        [batch] float64.
    """
    if values.shape != targets.shape or values.ndim < 2:
        raise ShapeError(
            f"`values` must have the shape of `targets`, [batch, ...] {list(targets.shape)}, received {list(values.shape)}"
        )
    return (wide(values) - wide(targets)).square().flatten(1).mean(dim=1)


def decibels(signal: Tensor | float, noise: Tensor) -> Tensor:
    """10 log10(signal / noise), at most 100 dB; both are mean squares."""
    strength = torch.as_tensor(signal, dtype=widest(noise.device), device=noise.device)
    smallest = strength * 10.0 ** (-HIGHEST_DECIBELS / 10.0)
    return 10.0 * torch.log10(strength / wide(noise).clamp(min=smallest))


def peak_signal_to_noise(errors: str, peak: float = 1.0) -> Metric:
    """Mean over samples of each sample's PSNR, 10 log10(peak² / mean squared error), in dB.

    Args:
        errors: name that `update` is given the mean squared errors [batch] by.
        peak: largest value of the signal. Videos are in [0, 1], so 1. Sound is in [-1, 1], and its peak is 1 as well, the
            largest deflection; the width of that range, 2, would give 6.02 dB more.
    """
    if not peak > 0:
        raise ConfigurationError(f"`peak` must be above 0, received {peak}")

    def sums(**measured: Tensor) -> Tensor:
        each = decibels(peak**2, measured[errors])
        return torch.stack([each.sum(), torch.ones_like(each).sum()]).double()

    return Summed(sums, ratio, (2,))


def signal_to_noise(energies: str, errors: str) -> Metric:
    """Energy of all samples against that of all their errors, 10 log10(sum / sum), in dB: 0 is what silence reaches.

    Unlike the peak's, this ratio does not grow when everything is quiet. A part that is silent has none of its own, so
    all are taken together.

    Args:
        energies: name that `update` is given the mean squares [batch] of the truth by.
        errors: name that it is given the mean squared errors [batch] by.
    """

    def sums(**measured: Tensor) -> Tensor:
        return torch.stack([measured[name].double().sum() for name in (energies, errors)])

    def value(sums: Tensor) -> Tensor:
        signal, noise = sums
        # No ratio where nothing was to be heard: 0 dB would be a claim.
        return decibels(signal, noise) if signal > 0 else signal.new_tensor(torch.nan)

    return Summed(sums, value, (2,))
