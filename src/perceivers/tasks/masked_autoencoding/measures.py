"""How far hidden pixels and samples are off, and whether learned positions have found their neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.nn.precision import wide


def error_of_hidden(values: Tensor, truth: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over the hidden points of each sample.

    Args:
        values: [batch, points, channels].
        truth: the same shape.
        hidden: bool [batch, points], of which every sample has some.

    Returns:
        [batch], as wide as the device allows.
    """
    squares = (wide(values) - wide(truth)).square().mean(dim=-1)
    return (squares * hidden).sum(dim=1) / hidden.sum(dim=1).clamp(min=1)


def neighbours_found(table: Tensor, coordinates: Tensor, reach: float = 1.5) -> float:
    """Share of points whose most similar position in a table belongs to a neighbour.

    Args:
        table: learned positions [points, channels].
        coordinates: of the points, [points, axes].
        reach: how far apart neighbours are at most; 1.5 steps: the eight around a pixel.

    Returns:
        A share in [0, 1]; what chance gives is `share_of_neighbours`.
    """
    similar = similarities(table)
    similar.fill_diagonal_(-torch.inf)
    nearest = similar.argmax(dim=1)
    apart = (coordinates - coordinates[nearest]).norm(dim=1)
    return float((apart <= reach).float().mean())


def share_of_neighbours(coordinates: Tensor, reach: float = 1.5) -> float:
    """Share of all pairs of points that are neighbours: what `neighbours_found` is by chance."""
    near = torch.cdist(coordinates, coordinates) <= reach
    count = len(coordinates)
    return float((near.sum() - count) / (count * (count - 1)))


def similarities(table: Tensor) -> Tensor:
    """Cosines between all positions of a table [points, channels], whose mean is taken away first: [points, points]."""
    centred = table.detach().float() - table.detach().float().mean(dim=0)
    unit = torch.nn.functional.normalize(centred, dim=1)
    return unit @ unit.T
