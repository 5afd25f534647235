"""Sines and cosines of many wavelengths: a table of positions in which neighbours are alike."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from perceivers.errors import ShapeError

# Positions; the shortest tells each from the next, the longest does not come round within the table.
SHORTEST_WAVE = 3.0
LONGEST_WAVE_IN_TABLES = 4.0


def wave_table(length: int, channels: int, std: float) -> Tensor:
    """A starting value for learned positions: `waves_at` every position of a table.

    Args:
        length: number of positions.
        channels: of each, an even number.
        std: root of the mean square of all values.

    Returns:
        [length, channels].
    """
    return waves_at(torch.arange(length, dtype=torch.float64), length, channels, std)


def waves_at(places: Tensor, length: int, channels: int, std: float) -> Tensor:
    """Sines and cosines of places in a table of positions, those between two positions included.

    Half of the channels are sines and half are cosines; wavelengths grow geometrically from 3 positions to four times the
    table's length.

    Args:
        places: [num_places], in [0, length - 1].
        length: number of positions of the table.
        channels: of each place, an even number.
        std: root of the mean square of all values.

    Returns:
        [num_places, channels].
    """
    if length < 1 or channels < 2 or channels % 2:
        raise ShapeError(
            f"`length` must be at least 1 and `channels` even and at least 2, received {length} and {channels}"
        )
    waves = torch.logspace(
        math.log10(SHORTEST_WAVE),
        math.log10(LONGEST_WAVE_IN_TABLES * length),
        channels // 2,
        dtype=torch.float64,
    )
    angles = places.double()[:, None] * (2.0 * math.pi / waves)
    # The mean square of a sine and its cosine is a half.
    return (torch.cat([angles.sin(), angles.cos()], dim=1) * (math.sqrt(2.0) * std)).float()
