"""Sizes that the flow of frames is estimated at, coarse to fine."""

from __future__ import annotations


def pyramid_sizes(
    height: int, width: int, grid: tuple[int, int], resize: float, levels: int
) -> list[tuple[int, int]]:
    """Sizes (height, width) of a pyramid, the smallest first; only the largest may be smaller than the grid."""
    sizes = []
    for level in range(levels):
        factor = resize / 2**level
        size = (max(round(height * factor), 1), max(round(width * factor), 1))
        if level and (size[0] < grid[0] or size[1] < grid[1]):
            break
        sizes.append(size)
    return sizes[::-1]
