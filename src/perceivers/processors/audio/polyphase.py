"""Another sampling rate by a windowed sinc filter, phase by phase (polyphase): the filter, and sound as arrays.

Rates with a large common divisor have few phases, whose weights are held together. Others (from 44,099 Hz to 16,000 Hz there
are 16,000 phases, which repeat every 44,099 samples) are computed block by block, each sample from the neighbours that the
filter reaches. Both give the same up to rounding, 1e-5 of full scale, and take memory for the sound itself and some tens of
megabytes. `perceivers.processors.audio.resampling` does the same with tensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

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
# Turns of the phases that are computed at once.
BLOCK_TURNS = 4096


def resampled(waveform: NDArray[Any], from_rate: int, to_rate: int) -> NDArray[Any]:
    """Sound at another rate; frequencies that the new rate cannot hold are removed.

    Args:
        waveform: [samples], floating point.
        from_rate: its rate in Hz.
        to_rate: the wanted rate in Hz.

    Returns:
        [ceil(samples * to_rate / from_rate)], the same dtype.
    """
    require_rates(from_rate, to_rate)
    if from_rate == to_rate:
        return waveform
    up, down = turn(from_rate, to_rate)
    wanted = length_after(len(waveform), up, down)
    if has_many_phases(up, down):
        return _blockwise(waveform, up, down, wanted)
    phases, reach = phases_of(up, down)
    weights = np.ascontiguousarray(phases.T, dtype=waveform.dtype)
    windows = sliding_window_view(np.pad(waveform, (reach, reach + down)), len(weights))[::down]
    filtered = [
        windows[begin : begin + BLOCK_TURNS] @ weights for begin in range(0, len(windows), BLOCK_TURNS)
    ]
    # Sample n of phase p is sample n * up + p of the result.
    return np.concatenate(filtered).ravel()[:wanted]


def require_rates(from_rate: float, to_rate: float) -> None:
    """Raise ConfigurationError where a rate is none."""
    for name, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        if int(rate) != rate or rate < 1:
            raise ConfigurationError(f"`{name}` must be a whole number of Hz, at least 1, received {rate}")


def turn(from_rate: int, to_rate: int) -> tuple[int, int]:
    """Samples of the result, and of the sound, after which the phases begin again."""
    common = math.gcd(int(from_rate), int(to_rate))
    return int(to_rate) // common, int(from_rate) // common


def length_after(samples: int, up: int, down: int) -> int:
    """Samples of the result."""
    return -(-samples * up // down)


def has_many_phases(up: int, down: int, most: int = MOST_WEIGHTS) -> bool:
    """Whether there are more weights than are held together."""
    return up * (down + 2 * reach_of(up, down)) > most


def reach_of(up: int, down: int) -> int:
    """How many samples the filter reaches to each side."""
    return math.ceil(ZERO_CROSSINGS / _cutoff(up, down))


@lru_cache(maxsize=16)
def phases_of(up: int, down: int) -> tuple[NDArray[np.float64], int]:
    """The filter of each phase, [up, taps], and how many samples it reaches back."""
    reach = reach_of(up, down)
    taps = np.arange(-reach, reach + down)
    centres = np.arange(up) * down / up
    weights = _filter((taps[None, :] - centres[:, None]) * _cutoff(up, down))
    return weights / weights.sum(axis=1, keepdims=True), reach


def blocks(
    wanted: int, up: int, down: int, products: int = BLOCK_PRODUCTS
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """For some samples of the result at a time, the nearest sample of the sound [count], and weights [count, 2 * reach + 1].

    Weights are computed where they are needed and forgotten.
    """
    reach = reach_of(up, down)
    taps = np.arange(-reach, reach + 1)
    block = max(products // len(taps), 1)
    for begin in range(0, wanted, block):
        # Whole numbers keep places exact in the longest sounds.
        places = np.arange(begin, min(begin + block, wanted), dtype=np.int64) * down
        nearest, rest = places // up, (places % up) / up
        weights = _filter((taps[None, :] - rest[:, None]) * _cutoff(up, down))
        yield nearest, weights / weights.sum(axis=1, keepdims=True)


def _blockwise(waveform: NDArray[Any], up: int, down: int, wanted: int) -> NDArray[Any]:
    reach = reach_of(up, down)
    windows = sliding_window_view(np.pad(waveform, (reach, reach + 1)), 2 * reach + 1)
    found = [
        np.einsum("ij,ij->i", windows[nearest], weights.astype(waveform.dtype))
        for nearest, weights in blocks(wanted, up, down)
    ]
    return np.concatenate(found)


def _cutoff(up: int, down: int) -> float:
    return min(1.0, up / down) * ROLLOFF


def _filter(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The windowed sinc at distances in its zero crossings."""
    inside = np.abs(distance) < ZERO_CROSSINGS
    shape = np.sqrt(np.clip(1 - (distance / ZERO_CROSSINGS) ** 2, 0, None))
    weights: NDArray[np.float64] = np.sinc(distance) * np.i0(KAISER_BETA * shape) * inside
    return weights
