"""Tensors of sound at another sampling rate: the filter of `polyphase`, in torch, on any device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from perceivers.processors.audio.polyphase import (
    BLOCK_PRODUCTS,
    MOST_WEIGHTS,
    blocks,
    has_many_phases,
    length_after,
    phases_of,
    reach_of,
    require_rates,
    turn,
)


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Sound at another rate; frequencies that the new rate cannot hold are removed.

    Args:
        waveform: [..., samples], floating point.
        from_rate: its rate in Hz.
        to_rate: the wanted rate in Hz.

    Returns:
        [..., ceil(samples * to_rate / from_rate)], the same dtype.
    """
    require_rates(from_rate, to_rate)
    if from_rate == to_rate:
        return waveform
    up, down = turn(from_rate, to_rate)
    if has_many_phases(up, down, MOST_WEIGHTS):
        return _blockwise(waveform, up, down)
    phases, reach = phases_of(up, down)
    weights = torch.from_numpy(phases).to(waveform.device, waveform.dtype)
    samples = waveform.shape[-1]
    wanted = length_after(samples, up, down)
    lines = functional.pad(waveform.reshape(-1, 1, samples), (reach, reach + down))
    # One output channel a phase: sample n of phase p is sample n * up + p of the result.
    filtered = functional.conv1d(lines, weights[:, None], stride=down)
    result = filtered.transpose(1, 2).flatten(1)[:, :wanted]
    return result.reshape(*waveform.shape[:-1], wanted)


def _blockwise(waveform: Tensor, up: int, down: int) -> Tensor:
    """See `resample`; sample by sample, some at a time."""
    samples, reach = waveform.shape[-1], reach_of(up, down)
    wanted = length_after(samples, up, down)
    taps = torch.arange(-reach, reach + 1)
    padded = functional.pad(waveform.reshape(-1, samples), (reach, reach + 1))
    found = []
    for nearest, weights in blocks(wanted, up, down, BLOCK_PRODUCTS):
        known = padded[:, int(nearest[0]) : int(nearest[-1]) + 2 * reach + 1]
        index = torch.from_numpy(nearest - nearest[0] + reach)[:, None] + taps
        gathered = known[:, index.to(known.device)]
        found.append((gathered * torch.from_numpy(weights).to(known.device, known.dtype)).sum(dim=-1))
    return torch.cat(found, dim=-1).reshape(*waveform.shape[:-1], wanted)
