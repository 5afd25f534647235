"""Positions as turns of queries and keys (rotary, Su et al. 2021), and the spectrum that sines and cosines share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from perceivers.nn.precision import wide, widest


@dataclass(frozen=True)
class Rotation:
    """Turns by which the channels of queries, or of keys, say where they stand.

    Attributes:
        cosines: [batch or 1, length, 1, pairs of channels that are turned in each head].
        sines: likewise.
        num_turned: heads that are turned, the first ones; the others look at everything alike.
    """

    cosines: Tensor
    sines: Tensor
    num_turned: int

    def turn(self, values: Tensor, num_heads: int) -> Tensor:
        """Queries or keys [batch, length, channels of all heads] after their turns.

        Of each turned head the first channels are pairs of neighbours: (a, b) becomes (a cos - b sin, b cos + a sin).
        """
        heads = values.unflatten(-1, (num_heads, -1))
        num_channels = 2 * self.cosines.shape[-1]
        first, second = heads[..., : self.num_turned, :num_channels].unflatten(-1, (-1, 2)).unbind(dim=-1)
        turned = torch.stack(
            [
                first * self.cosines - second * self.sines,
                second * self.cosines + first * self.sines,
            ],
            dim=-1,
        ).flatten(-2)
        if num_channels < heads.shape[-1]:
            turned = torch.cat([turned, heads[..., : self.num_turned, num_channels:]], dim=-1)
        if self.num_turned < num_heads:
            turned = torch.cat([turned, heads[..., self.num_turned :, :]], dim=-2)
        return turned.flatten(-2)


def rotation_at(
    positions: Tensor,
    *,
    head_channels: int,
    num_heads: int,
    fraction: float,
    head_fraction: float,
    max_wavelength: float,
    dtype: torch.dtype,
) -> Rotation | None:
    """The turns of queries or keys that stand at `positions`; None where the fractions leave nothing to turn.

    Pair j of n turns by position * max_wavelength ** -(j / (n - 1)), both ends included (google-research/perceiver-ar, the
    original code). Angles are computed in the widest floats of the device: a long text has large ones.

    Args:
        positions: whole numbers [batch or 1, length].
        head_channels: channels of a head.
        num_heads: of queries and keys.
        fraction: of the channels of a head that are turned.
        head_fraction: of the heads that are turned.
        max_wavelength: the slowest pair turns once in 2 pi times as many positions.
        dtype: of the turns.
    """
    num_pairs = math.floor(head_channels * fraction / 2)
    num_turned = math.floor(num_heads * head_fraction)
    if num_pairs == 0 or num_turned == 0:
        return None
    angles = wave_angles(positions, num_pairs, max_wavelength)[:, :, None, :]
    return Rotation(angles.cos().to(dtype), angles.sin().to(dtype), num_turned)


def wave_angles(positions: Tensor, num_waves: int, longest: float) -> Tensor:
    """Angles position * longest ** -(j / (num_waves - 1)), j = 0 ... num_waves - 1, in the widest floats of the device.

    Args:
        positions: whole numbers [...].
        num_waves: number of frequencies; a single one is 1.
        longest: reciprocal of the lowest frequency.

    Returns:
        [..., num_waves].
    """
    steps = torch.arange(num_waves, device=positions.device, dtype=widest(positions.device))
    return wide(positions)[..., None] * longest ** -(steps / max(num_waves - 1, 1))


def sinusoids(positions: Tensor, channels: int, dtype: torch.dtype, longest: float = 10_000.0) -> Tensor:
    """Sines, then cosines of positions ("Attention is all you need", 3.5; 1 / longest included, as in Perceiver AR's code).

    Args:
        positions: whole numbers [...].
        channels: an even number.
        dtype: of the result.
        longest: reciprocal of the lowest frequency.

    Returns:
        [..., channels].
    """
    angles = wave_angles(positions, channels // 2, longest)
    return torch.cat([angles.sin(), angles.cos()], dim=-1).to(dtype)
