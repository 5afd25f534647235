"""How often short patterns occur in a series: convolutions with fixed kernels, and the share of steps above thresholds.

    share(kernel, dilation, threshold) = share of the steps where (series convolved with the kernel) > threshold

The kernels are the 84 of length 9 that have three weights 2 and six weights -1, so that the level of a series says nothing.
Dilations are spread exponentially up to the length of the series; thresholds are quantiles of what the convolutions give for
training series; every second pair of kernel and dilation sees zeros before and behind the series, the others stay inside it.
Source: MiniRocket (Dempster, Schmidt and Webb 2021, 2012.08791), without its random choices: the thresholds are quantiles of
many series, and which channels a convolution adds up follows from a checksum. Sums are done in one order: the same series has
the same shares on every machine.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perceivers.data.evenly import spread_indices

Floats = NDArray[np.float32]

KERNEL_LENGTH = 9
#: Weights [84, 9] of the kernels.
WEIGHTS = np.full((84, KERNEL_LENGTH), -1.0, dtype=np.float32)
for _row, _places in enumerate(itertools.combinations(range(KERNEL_LENGTH), 3)):
    WEIGHTS[_row, list(_places)] = 2.0
NUM_KERNELS = len(WEIGHTS)

GOLDEN_RATIO = (1 + 5**0.5) / 2
# Thresholds are found among so many training series, and so many of a kernel's outputs.
MOST_SERIES, MOST_OUTPUTS = 64, 8192
# Channels that are added up before a convolution, at most.
MOST_CHANNELS = 9


@dataclass(frozen=True)
class Patterns:
    """The convolutions, and their thresholds.

    Args:
        dilations: steps between a kernel's taps, growing.
        thresholds: float32 [num_dilations, 84, thresholds of a kernel].
        num_channels: of the series.
    """

    dilations: tuple[int, ...]
    thresholds: Floats
    num_channels: int

    @classmethod
    def of_flat(cls, dilations: Sequence[int], thresholds: Floats, num_channels: int) -> Self:
        """Patterns from their thresholds in a row, as they lie in memory."""
        return cls(tuple(dilations), thresholds.reshape(len(dilations), NUM_KERNELS, -1), num_channels)

    @property
    def num_features(self) -> int:
        """Number of thresholds."""
        return int(self.thresholds.size)

    def shares(self, series: Floats) -> Floats:
        """Shares of steps above each threshold, in [0, 1].

        Args:
            series: float32 [num_steps, num_channels] without NaN, one step at least.

        Returns:
            float32 [num_features], dilation by dilation.
        """
        found = np.empty((len(self.dilations), NUM_KERNELS, self.thresholds.shape[2]), dtype=np.float32)
        for place, dilation in enumerate(self.dilations):
            outputs = convolved(series, dilation, place)
            for parity in (0, 1):
                own = slice(parity, None, 2)
                seen = _seen(outputs[own], dilation, padded=(place + parity) % 2 == 1)
                for index in range(found.shape[2]):
                    above = seen > self.thresholds[place, own, index, None]
                    found[place, own, index] = np.count_nonzero(above, axis=1) / np.float32(seen.shape[1])
        return found.ravel()


def settled_patterns(series: Sequence[Floats], num_dilations: int, num_thresholds: int) -> Patterns:
    """Find dilations and thresholds.

    Args:
        series: training series, each [num_steps, num_channels] without NaN; at least one.
        num_dilations: at most; short series have fewer.
        num_thresholds: of all dilations of a kernel together, about: fewer dilations have more each.
    """
    dilations = spread_dilations(max(map(len, series)), num_dilations)
    count = max(round(num_thresholds / len(dilations)), 1)
    # A sequence of low discrepancy: every kernel has thresholds of its own, and together they are spread evenly.
    places = (np.arange(1, NUM_KERNELS * count + 1) * GOLDEN_RATIO % 1.0).reshape(NUM_KERNELS, count)
    picked = spread_indices(len(series), MOST_SERIES)
    every = max(sum(len(series[index]) for index in picked) // MOST_OUTPUTS, 1)
    thresholds = np.empty((len(dilations), NUM_KERNELS, count), dtype=np.float32)
    for place, dilation in enumerate(dilations):
        outputs = [convolved(series[index], dilation, place) for index in picked]
        for kernel in range(NUM_KERNELS):
            padded = (place + kernel) % 2 == 1
            seen = [_seen(each[kernel : kernel + 1], dilation, padded=padded)[0, ::every] for each in outputs]
            thresholds[place, kernel] = np.quantile(np.concatenate(seen), places[kernel])
    return Patterns(dilations, thresholds, series[0].shape[1])


def spread_dilations(length: int, most: int) -> tuple[int, ...]:
    """Whole numbers from 1 to the largest with which a kernel fits into `length` steps, evenly spread on a log scale."""
    largest = max((length - 1) / (KERNEL_LENGTH - 1), 1.0)
    spread = 2.0 ** np.linspace(0.0, np.log2(largest), most)
    # A hair more, so that a power of two is not cut to the number below it.
    return tuple(np.unique((spread + 1e-9).astype(int)).tolist())


def convolved(series: Floats, dilation: int, place: int) -> Floats:
    """What the kernels give at each step, with zeros before and behind the series.

    Args:
        series: float32 [num_steps, num_channels].
        dilation: steps between taps.
        place: number of the dilation, which says which channels each kernel adds up.

    Returns:
        float32 [84, num_steps].
    """
    steps, channels = series.shape
    reach = dilation * (KERNEL_LENGTH // 2)
    rows = 1 if channels == 1 else NUM_KERNELS
    padded = np.zeros((rows, steps + 2 * reach), dtype=np.float32)
    inside = padded[:, reach : reach + steps]
    if channels == 1:
        inside[0] = series[:, 0]
    else:
        for kernel, chosen in enumerate(channel_subsets(channels, place)):
            for channel in chosen:
                inside[kernel] += series[:, channel]
    outputs = np.zeros((NUM_KERNELS, steps), dtype=np.float32)
    for tap in range(KERNEL_LENGTH):
        outputs += WEIGHTS[:, tap, None] * padded[:, tap * dilation : tap * dilation + steps]
    return outputs


def channel_subsets(num_channels: int, place: int) -> list[list[int]]:
    """For each kernel the channels that it adds up: one to nine, the number evenly spread on a log scale.

    Args:
        num_channels: of the series.
        place: number of the dilation: the subsets of dilations differ.
    """
    most = np.log2(min(num_channels, MOST_CHANNELS) + 1)
    subsets = []
    for kernel in range(NUM_KERNELS):
        number = place * NUM_KERNELS + kernel
        size = int(2.0 ** (most * ((number + 1) * GOLDEN_RATIO % 1.0)))
        order = sorted(range(num_channels), key=lambda channel: zlib.crc32(f"{number} {channel}".encode()))
        subsets.append(sorted(order[: max(size, 1)]))
    return subsets


def _seen(outputs: Floats, dilation: int, *, padded: bool) -> Floats:
    """All outputs, or those whose taps are inside the series; all where none are."""
    reach = dilation * (KERNEL_LENGTH // 2)
    if padded or outputs.shape[1] <= 2 * reach:
        return outputs
    return outputs[:, reach : outputs.shape[1] - reach]
