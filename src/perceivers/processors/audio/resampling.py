"""Another sampling rate by a windowed sinc filter, phase by phase (polyphase), in torch.

Rates with a large common divisor have few phases: each is one output channel of a convolution. Others (from 44,099 Hz to
16,000 Hz there are 16,000 phases, which repeat every 44,099 samples) are computed block by block, each sample from the
neighbours that the filter reaches. Both give the same up to rounding, 1e-5 of full scale, and take memory for the sound
itself and some tens of megabytes.
"""

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
# Weights of all phases together that are held; block by block where there are more.
MOST_WEIGHTS = 1 << 20
# Products of weights and samples that are computed at once.
BLOCK_PRODUCTS = 1 << 21


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
    if up * (down + 2 * _reach(up, down)) > MOST_WEIGHTS:
        return _blockwise(waveform, up, down)
    phases, reach = _phases(up, down)
    weights = phases.to(waveform.device, waveform.dtype)
    samples = waveform.shape[-1]
    wanted = -(-samples * up // down)
    lines = functional.pad(waveform.reshape(-1, 1, samples), (reach, reach + down))
    # One output channel a phase: sample n of phase p is sample n * up + p of the result.
    filtered = functional.conv1d(lines, weights[:, None], stride=down)
    result = filtered.transpose(1, 2).flatten(1)[:, :wanted]
    return result.reshape(*waveform.shape[:-1], wanted)


def _reach(up: int, down: int) -> int:
    """How many samples the filter reaches to each side."""
    return math.ceil(ZERO_CROSSINGS / _cutoff(up, down))


def _cutoff(up: int, down: int) -> float:
    return min(1.0, up / down) * ROLLOFF


def _filter(distance: np.ndarray) -> np.ndarray:
    """The windowed sinc at distances in its zero crossings."""
    inside = np.abs(distance) < ZERO_CROSSINGS
    shape = np.sqrt(np.clip(1 - (distance / ZERO_CROSSINGS) ** 2, 0, None))
    weights: np.ndarray = np.sinc(distance) * np.i0(KAISER_BETA * shape) * inside
    return weights


@lru_cache(maxsize=16)
def _phases(up: int, down: int) -> tuple[Tensor, int]:
    """The filter of each phase, [up, taps], and how many samples it reaches back."""
    reach = _reach(up, down)
    taps = np.arange(-reach, reach + down)
    centres = np.arange(up) * down / up
    weights = _filter((taps[None, :] - centres[:, None]) * _cutoff(up, down))
    return torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)), reach


def _blockwise(waveform: Tensor, up: int, down: int) -> Tensor:
    """See `resample`; weights are computed where they are needed and forgotten."""
    samples, reach = waveform.shape[-1], _reach(up, down)
    wanted = -(-samples * up // down)
    taps = np.arange(-reach, reach + 1)
    block = max(BLOCK_PRODUCTS // len(taps), 1)
    padded = functional.pad(waveform.reshape(-1, samples), (reach, reach + 1))
    found = []
    for begin in range(0, wanted, block):
        # Whole numbers keep places exact in the longest sounds.
        places = np.arange(begin, min(begin + block, wanted), dtype=np.int64) * down
        nearest, rest = places // up, (places % up) / up
        weights = _filter((taps[None, :] - rest[:, None]) * _cutoff(up, down))
        weights /= weights.sum(axis=1, keepdims=True)
        known = padded[:, int(nearest[0]) : int(nearest[-1]) + 2 * reach + 1]
        index = torch.from_numpy(nearest - nearest[0] + reach)[:, None] + torch.from_numpy(taps)
        gathered = known[:, index.to(known.device)]
        found.append((gathered * torch.from_numpy(weights).to(known.device, known.dtype)).sum(dim=-1))
    return torch.cat(found, dim=-1).reshape(*waveform.shape[:-1], wanted)
