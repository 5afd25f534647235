"""Where the tiles of a large frame lie."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.errors import ConfigurationError, ShapeError


@dataclass(frozen=True)
class TileLayout:
    """Where the tiles of one frame lie; every size and position is in pixels.

    Args:
        height: height of the whole frame.
        width: width of the whole frame.
        tile_height: height of each tile.
        tile_width: width of each tile.
        boxes: (top, left) of each tile, row by row from the upper left.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    boxes: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.boxes)


def tile_starts(length: int, tile: int, min_overlap: int) -> list[int]:
    """First pixels of the tiles along one axis: 0, `tile - min_overlap`, ..., the last flush with the border.

    Args:
        length: pixels along the axis, at least `tile`.
        tile: pixels of one tile.
        min_overlap: pixels that neighbours share at least, less than `tile`; it does not matter for one tile.
    """
    if tile < 1:
        raise ConfigurationError(f"`tile` must be at least 1 pixel, received {tile}")
    if length > tile and not 0 <= min_overlap < tile:
        raise ConfigurationError(
            f"`min_overlap` must lie in [0, {tile}), below the tile's own size, received {min_overlap}"
        )
    if length < tile:
        raise ShapeError(
            f"`length` must be at least one tile ({tile} pixels), received {length}: "
            "process a smaller frame as one grid of its own size"
        )
    if length == tile:
        return [0]
    return [*range(0, length - tile, tile - min_overlap), length - tile]


def tile_layout(
    height: int, width: int, tile_height: int, tile_width: int, min_overlap: int = 20
) -> TileLayout:
    """Lay tiles over a frame so that neighbours share at least `min_overlap` pixels.

    The rule, and the overlap of 20 pixels, are those of DeepMind's optical flow evaluation.
    """
    tops = tile_starts(height, tile_height, min_overlap)
    lefts = tile_starts(width, tile_width, min_overlap)
    boxes = tuple((top, left) for top in tops for left in lefts)
    return TileLayout(height, width, tile_height, tile_width, boxes)
