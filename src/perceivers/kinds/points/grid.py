"""A set of points as a short vector: how many lie in each cell of a coarse grid. What a simple method reads of it."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.points.normalization import normalize_points

# Cells along an axis, by the number of coordinates.
CELLS = {1: 16, 2: 8, 3: 6}
# Coordinates and features after the first three are left out.
MOST = 3


def grid_of_counts(points: np.ndarray, num_coordinates: int) -> np.ndarray:
    """Shares of the points in the cells of a grid over the set's bounding box, and means of their features there.

    Args:
        points: [num_points, num_columns], coordinates first.
        num_coordinates: leading columns that are coordinates.

    Returns:
        float32 [cells x (1 + features)]: 16 cells on a line, 8 x 8 in the plane, 6 x 6 x 6 in space, over a cube that is as
        wide as the longest side of the box; then of each feature, up to three, its sum in each cell over the number of all
        points.
    """
    axes = min(num_coordinates, MOST)
    side = CELLS[axes]
    places = normalize_points(points, num_coordinates, "box")[:, :axes]
    cells = np.clip(((places + 1.0) / 2.0 * side).astype(np.int64), 0, side - 1)
    flat = np.ravel_multi_index(tuple(cells.T), (side,) * axes)
    features = points[:, num_coordinates : num_coordinates + MOST]
    weights = [np.ones(len(points)), *features.T.astype(np.float64)]
    sums = [np.bincount(flat, weights=each, minlength=side**axes) for each in weights]
    return np.concatenate(sums).astype(np.float32) / np.float32(len(points))
