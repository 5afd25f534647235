"""Large frames in tiles of one size: how the outputs of the tiles are blended."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from perceivers.errors import ShapeError
from perceivers.nn.tile_layout import TileLayout


def tile_weights(
    tile_height: int,
    tile_width: int,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """How much each pixel of a tile counts: its distance to the tile's nearest edge, plus 1.

    Returns:
        [tile_height, tile_width], 1 along the border.
    """
    rows = torch.arange(tile_height, dtype=dtype, device=device)
    columns = torch.arange(tile_width, dtype=dtype, device=device)
    vertical = torch.minimum(rows + 1, tile_height - rows)
    horizontal = torch.minimum(columns + 1, tile_width - columns)
    return torch.minimum(vertical[:, None], horizontal[None, :])


def blend_tiles(tiles: Iterable[Tensor], layout: TileLayout) -> Tensor:
    """Weighted mean of overlapping tiles, by `tile_weights`; differentiable in every tile.

    Sums are kept in float32 at least, and the result has the tiles' dtype. Where one tile alone covers a
    pixel, that pixel is the tile's own, to the last bit.

    Args:
        tiles: one [batch, tile_height, tile_width, channels] for each of the layout's boxes, in their order:
            a tensor [num_tiles, batch, tile_height, tile_width, channels], a list, or a generator (one tile
            in memory at a time).
        layout: where the tiles lie.

    Returns:
        [batch, height, width, channels].
    """
    blended: Tensor | None = None
    shares: list[Tensor] = []
    dtype = torch.float32
    count = 0
    for count, tile in enumerate(tiles, start=1):
        if count > len(layout):
            raise ShapeError(
                f"`tiles` must hold {len(layout)} tiles, one for each box of `layout`, received more"
            )
        if tile.ndim != 4 or tile.shape[1:3] != (layout.tile_height, layout.tile_width):
            raise ShapeError(
                f"`tiles` must hold tensors [batch, {layout.tile_height}, {layout.tile_width}, channels], "
                f"received {list(tile.shape)} as tile {count - 1}"
            )
        if blended is None:
            dtype = tile.dtype
            working = torch.promote_types(dtype, torch.float32)
            shares = _tile_shares(layout, working, tile.device)
            blended = torch.zeros(
                tile.shape[0], layout.height, layout.width, tile.shape[3], dtype=working, device=tile.device
            )
        top, left = layout.boxes[count - 1]
        rows, columns = slice(top, top + layout.tile_height), slice(left, left + layout.tile_width)
        blended[:, rows, columns] += tile * shares[count - 1][..., None]
    if blended is None or count < len(layout):
        raise ShapeError(
            f"`tiles` must hold {len(layout)} tiles, one for each box of `layout`, received {count}"
        )
    return blended.to(dtype)


def _tile_shares(layout: TileLayout, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
    """Each tile's part in its pixels, [tile_height, tile_width]; the parts of a pixel add up to 1."""
    weights = tile_weights(layout.tile_height, layout.tile_width, dtype=dtype, device=device)
    total = torch.zeros(layout.height, layout.width, dtype=dtype, device=device)
    covered = [
        total[top : top + layout.tile_height, left : left + layout.tile_width] for top, left in layout.boxes
    ]
    for region in covered:
        region += weights
    return [weights / region for region in covered]
