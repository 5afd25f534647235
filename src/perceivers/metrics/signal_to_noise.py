"""How far reconstructions are from what they should be, in decibels.

The metrics are updated with errors, one number a sample, instead of whole videos: memory stays small, and processes exchange
numbers alone. Errors come from `mean_squared_errors`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, MissingExtraError, ShapeError
from perceivers.nn.precision import wide, widest

if TYPE_CHECKING:
    from torchmetrics import Metric

# Equal values have no finite ratio: 100 dB stand for them, an error of a hundred-thousandth of the peak.
HIGHEST_DECIBELS = 100.0


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
    metric: Metric = _classes()[0](errors, peak)
    return metric


def signal_to_noise(energies: str, errors: str) -> Metric:
    """Energy of all samples against that of all their errors, 10 log10(sum / sum), in dB: 0 is what silence reaches.

    Unlike the peak's, this ratio does not grow when everything is quiet. A part that is silent has none of its own, so
    all are taken together.

    Args:
        energies: name that `update` is given the mean squares [batch] of the truth by.
        errors: name that it is given the mean squared errors [batch] by.
    """
    metric: Metric = _classes()[1](energies, errors)
    return metric


@cache
def _classes() -> tuple[Any, Any]:
    """The metrics' classes, made when they are first asked for: torchmetrics belongs to an extra."""
    try:
        from torchmetrics import Metric
    except ImportError as error:
        raise MissingExtraError("torchmetrics", "train", "Measuring reconstructions") from error

    class PeakSignalToNoise(Metric):
        is_differentiable = False
        higher_is_better = True
        full_state_update = False
        total: Tensor
        count: Tensor

        def __init__(self, errors: str, peak: float) -> None:
            super().__init__()
            self.errors, self.peak = errors, peak
            self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
            self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

        def update(self, **measured: Tensor) -> None:
            each = decibels(self.peak**2, measured[self.errors])
            self.total += each.sum()
            self.count += each.numel()

        def compute(self) -> Tensor:
            return self.total / self.count

    class SignalToNoise(Metric):
        is_differentiable = False
        higher_is_better = True
        full_state_update = False
        signal: Tensor
        noise: Tensor

        def __init__(self, energies: str, errors: str) -> None:
            super().__init__()
            self.energies, self.errors = energies, errors
            self.add_state("signal", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
            self.add_state("noise", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

        def update(self, **measured: Tensor) -> None:
            self.signal += measured[self.energies].double().sum()
            self.noise += measured[self.errors].double().sum()

        def compute(self) -> Tensor:
            # No ratio where nothing was to be heard: 0 dB would be a claim.
            return decibels(self.signal, self.noise) if self.signal > 0 else self.signal.new_tensor(torch.nan)

    return PeakSignalToNoise, SignalToNoise
