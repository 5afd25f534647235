"""Coordinates of a set brought into the range that a model is made for."""

from __future__ import annotations

import numpy as np

from perceivers.errors import DataError

KINDS = ("sphere", "box", "none")


def normalize_points(
    points: np.ndarray, num_coordinates: int, kind: str, coordinate_range: float = 1.0
) -> np.ndarray:
    """Centre and scale coordinates; features stay.

    Args:
        points: [num_points, num_columns], coordinates first.
        num_coordinates: leading columns that are coordinates.
        kind: "sphere": the mean goes to 0, the farthest point to distance 1; "box": the middle of the bounding box goes to 0,
            its longest side becomes [-1, 1]; "none": coordinates stay as they are.
        coordinate_range: with "none", coordinates lie in [-coordinate_range, coordinate_range].

    Returns:
        float32 of the same shape. Points that all lie in one place come to lie at 0.
    """
    coordinates = points[:, :num_coordinates].astype(np.float64)
    if kind == "none":
        farthest = float(np.abs(coordinates).max())
        if farthest > coordinate_range:
            raise DataError(
                f"coordinates must lie in [-{coordinate_range:g}, {coordinate_range:g}], received {farthest:g}: give a "
                "larger `--coordinate-range NUMBER`, or take `--normalization sphere` or `--normalization box`"
            )
        return points.astype(np.float32)
    if kind == "box":
        lowest, highest = coordinates.min(axis=0), coordinates.max(axis=0)
        centred, size = coordinates - (lowest + highest) / 2.0, float((highest - lowest).max()) / 2.0
    else:
        centred = coordinates - coordinates.mean(axis=0)
        size = float(np.linalg.norm(centred, axis=1).max())
    scaled = centred / size if size > 0.0 else centred
    return np.concatenate([scaled, points[:, num_coordinates:]], axis=1).astype(np.float32)
