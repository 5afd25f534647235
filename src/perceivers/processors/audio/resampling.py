"""Another sampling rate by a windowed sinc filter, phase by phase (polyphase), in torch."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from perceivers.errors import ConfigurationError

# Zero crossings of the sinc on each side, and the window's shape: 80 dB between what passes and what is cut.
ZERO_CROSSINGS = 32
KAISER_BETA = 8.0
# The passband ends a little below the lower of both Nyquist frequencies, for the filter's slope to fit in.
ROLLOFF = 0.945


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Sound at another rate; frequencies that the new rate cannot hold are removed.

    Args:
        waveform: [..., samples], floating point.
        from_rate: its rate in Hz.
        to_rate: the wanted rate in Hz.

    Returns:
        [..., ceil(samples * to_rate / from_rate)], the same dtype.
    """
    for name, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        if int(rate) != rate or rate < 1:
            raise ConfigurationError(f"`{name}` must be a whole number of Hz, at least 1, received {rate}")
    if from_rate == to_rate:
        return waveform
    common = math.gcd(int(from_rate), int(to_rate))
    down, up = int(from_rate) // common, int(to_rate) // common
    phases, reach = _phases(up, down)
    weights = phases.to(waveform.device, waveform.dtype)
    samples = waveform.shape[-1]
    wanted = -(-samples * up // down)
    lines = functional.pad(waveform.reshape(-1, 1, samples), (reach, reach + down))
    # One output channel a phase: sample n of phase p is sample n * up + p of the result.
    filtered = functional.conv1d(lines, weights[:, None], stride=down)
    result = filtered.transpose(1, 2).flatten(1)[:, :wanted]
    return result.reshape(*waveform.shape[:-1], wanted)


@lru_cache(maxsize=32)
def _phases(up: int, down: int) -> tuple[Tensor, int]:
    """The filter of each phase, [up, taps], and how many samples it reaches back."""
    cutoff = min(1.0, up / down) * ROLLOFF
    reach = math.ceil(ZERO_CROSSINGS / cutoff)
    taps = np.arange(-reach, reach + down)
    centres = np.arange(up) * down / up
    distance = (taps[None, :] - centres[:, None]) * cutoff
    inside = np.abs(distance) < ZERO_CROSSINGS
    shape = np.sqrt(np.clip(1 - (distance / ZERO_CROSSINGS) ** 2, 0, None))
    weights = np.sinc(distance) * np.i0(KAISER_BETA * shape) * inside
    return torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)), reach
