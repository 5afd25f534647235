"""Sets of points to the model's tensors, and what makes tokens of them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.points.normalization import normalize_points
from perceivers.kinds.points.options import PointOptions
from perceivers.kinds.points.reading import PointSet, draw_points


def points_as_seen(value: PointSet, options: PointOptions, num_coordinates: int) -> np.ndarray:
    """The points that the model sees, float32 [num_points, num_columns]; the same ones at every call."""
    points = draw_points(value.shape, options.num_points)
    return normalize_points(points, num_coordinates, options.normalization, options.coordinate_range)


def stack_sets(sets: Sequence[np.ndarray | None], num_columns: int) -> ModalityInput:
    """Points [batch, num_points, num_columns], of 0 where there is none, and where sets differ in size a mask over them."""
    counts = [0 if points is None else len(points) for points in sets]
    batch = np.zeros((len(sets), max(1, *counts), num_columns), dtype=np.float32)
    mask = np.zeros(batch.shape[:2], dtype=bool)
    for row, points in enumerate(sets):
        if points is not None:
            batch[row, : len(points)] = points
            mask[row, : len(points)] = True
    return ModalityInput(batch, None if bool(mask.all()) else mask)


def points_modality(options: PointOptions, num_coordinates: int, num_features: int) -> dict[str, Any]:
    """The entry in `config.modalities`."""
    return {
        "type": "points",
        "num_coordinates": num_coordinates,
        "num_features": num_features,
        "coordinate_range": options.coordinate_range,
        "num_bands": options.num_fourier_bands,
        "max_resolution": options.max_resolution,
        "out_channels": options.feature_channels,
        **({} if options.input_form == "single" else neighbourhoods(options)),
    }


def neighbourhoods(options: PointOptions) -> dict[str, Any]:
    """What the entry says of neighbourhoods."""
    values = options.form_values()
    return {
        **values,
        **{name: list(values[name]) for name in ("neighbourhood_widths", "neighbourhood_centres")},
    }


def points_of_tokens(points: np.ndarray, options: PointOptions, num_coordinates: int) -> np.ndarray:
    """Which points of a set are its tokens, as the model sees it: int64 [num_tokens].

    Args:
        points: float32 [num_points, num_columns], see `points_as_seen`.
        options: of the kind.
        num_coordinates: leading columns that are coordinates.
    """
    most = options.num_tokens
    if len(points) <= most:
        return np.arange(len(points))
    import torch

    from perceivers.nn.neighbourhoods import spread_out

    places = torch.from_numpy(points[None, :, :num_coordinates]) / options.coordinate_range
    return spread_out(places, None, most)[0].numpy()
