"""Loops that a graph can hold: tiles one after the other, their number known or not, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.nn.turns import is_traced as is_traced

# Values that a step, or what is computed at once, may hold. Larger tiles cost memory, smaller ones more calls.
TILE_VALUES = 2**21
# Sizes that are free in a graph may grow by so much beyond those of the sample before tiles are needed for them.
_ROOM_TO_GROW = 64

#: Carried tensors, and those of a step, to the next carried ones, and what the step gives.
Step = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]


def tile_rows(num_rows: int, values_a_row: int) -> int | None:
    """Rows of a tile for so many rows of so many values each; None where all of them fit at once.

    Args:
        num_rows: how many there are; in a graph perhaps a symbol, whose value in the sample then counts.
        values_a_row: values that are computed of a row.
    """
    size, width = _known(num_rows), _known(values_a_row)
    fitting = max(1, TILE_VALUES // max(width, 1))
    is_free = isinstance(num_rows, torch.SymInt) or isinstance(values_a_row, torch.SymInt)
    if size * (_ROOM_TO_GROW if is_free else 1) <= fitting:
        return None
    if is_free:
        return fitting
    # Tiles of like sizes leave little to be filled up.
    return -(-size // -(-size // fitting))


def expanded(values: Tensor, samples: int, length: int) -> Tensor:
    """Values [1 or samples, 1 or length, channels] for all samples and tokens; a graph would copy what is whole already."""
    is_whole = values.shape[0] == samples and values.shape[1] == length
    return values if is_whole else values.expand(samples, length, -1)


def padded_tiles(values: Tensor, axis: int, size: int) -> Tensor:
    """Values cut along an axis into tiles of `size`, the last filled up with zeros: [num_tiles, ...]."""
    length = values.shape[axis]
    count = (length + size - 1) // size
    behind = values.ndim - 1 - axis
    filled = values
    # Filling up by nothing would copy everything, too.
    if isinstance(length, torch.SymInt) or length % size:
        filled = F.pad(values, [0, 0] * behind + [0, count * size - length])
    return filled.unflatten(axis, (count, size)).movedim(axis, 0)


def scan_tiles(
    step: Step, start: Sequence[Tensor], tiles: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Take the tiles one after the other: what was carried at the end, and what all steps gave, [num_tiles, ...] each."""
    from torch._higher_order_ops.scan import scan

    carried, given = scan(step, tuple(start), tuple(tiles))
    return tuple(carried), tuple(given)


def _known(size: int) -> int:
    """A size, or the one that a symbol stands for in the sample."""
    if isinstance(size, torch.SymInt):
        hint = size.node.hint
        return int(hint) if hint is not None else 1
    return int(size)
