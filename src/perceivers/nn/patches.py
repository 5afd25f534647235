"""Pictures and videos cut into patches and put together again, as pure reshapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from perceivers.errors import ShapeError


def space_to_depth(frames: Tensor, temporal_block_size: int = 1, spatial_block_size: int = 1) -> Tensor:
    """Patches of pixels into channels, ordered (frame, row, column, channel) inside a patch.

    Args:
        frames: pictures [batch, channels, height, width] or videos [batch, frames, channels, height, width].
        temporal_block_size: frames in a patch; 1 for pictures.
        spatial_block_size: rows, and columns, in a patch.

    Returns:
        [batch, height / s, width / s, s * s * channels], or
        [batch, frames / t, height / s, width / s, t * s * s * channels].

    Raises:
        ShapeError: the rank is neither 4 nor 5, or a size is not a whole number of patches.
    """
    size = spatial_block_size
    if frames.ndim not in (4, 5):
        raise ShapeError(
            "`inputs` must have shape [batch, channels, height, width] or [batch, frames, channels, height, width], "
            f"received {list(frames.shape)}"
        )
    if frames.ndim == 4:
        if temporal_block_size != 1:
            raise ShapeError(
                f"`inputs` must be videos for patches of {temporal_block_size} frames, received {list(frames.shape)}"
            )
        _require_whole_patches(frames, (1, 1, size, size))
        cut = frames.unflatten(3, (-1, size)).unflatten(2, (-1, size))
        return cut.permute(0, 2, 4, 3, 5, 1).flatten(3)
    _require_whole_patches(frames, (1, temporal_block_size, 1, size, size))
    cut = frames.unflatten(4, (-1, size)).unflatten(3, (-1, size)).unflatten(1, (-1, temporal_block_size))
    return cut.permute(0, 1, 4, 6, 2, 5, 7, 3).flatten(4)


def depth_to_space(patches: Tensor, temporal_block_size: int = 1, spatial_block_size: int = 1) -> Tensor:
    """The inverse of `space_to_depth`, with channels last.

    Args:
        patches: [batch, rows, columns, s * s * channels] or [batch, steps, rows, columns, t * s * s * channels].
        temporal_block_size: frames in a patch, t.
        spatial_block_size: rows, and columns, in a patch, s.

    Returns:
        [batch, rows * s, columns * s, channels], or [batch, steps * t, rows * s, columns * s, channels].
    """
    size = spatial_block_size
    if patches.ndim not in (4, 5) or patches.shape[-1] % (temporal_block_size * size * size) != 0:
        raise ShapeError(
            "`inputs` must be patches [batch, (steps,) rows, columns, "
            f"{temporal_block_size} * {size} * {size} * channels], "
            f"received {list(patches.shape)}"
        )
    if patches.ndim == 4:
        if temporal_block_size != 1:
            raise ShapeError(
                f"`inputs` must be videos for patches of {temporal_block_size} frames, received {list(patches.shape)}"
            )
        cut = patches.unflatten(3, (size, size, -1))
        return cut.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)
    cut = patches.unflatten(4, (temporal_block_size, size, size, -1))
    return cut.permute(0, 1, 4, 2, 5, 3, 6, 7).flatten(5, 6).flatten(3, 4).flatten(1, 2)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after an axis by JAX's SAME rule, so that ceil(size / stride) windows fit."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _require_whole_patches(frames: Tensor, blocks: Sequence[int]) -> None:
    if any(size % block for size, block in zip(frames.shape, blocks, strict=True)):
        raise ShapeError(
            f"`inputs` must have sizes divisible by the patch sizes {list(blocks)}, received {list(frames.shape)}"
        )
