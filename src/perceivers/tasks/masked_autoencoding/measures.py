"""How far hidden pixels and samples are off, and what simple guesses from the visible ones reach."""

from __future__ import annotations

from collections.abc import Mapping

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


def mean_of_visible(values: Tensor, hidden: Tensor) -> Tensor:
    """The mean of what is visible at every point, [batch, points, channels]; zeros where nothing is."""
    shown = (~hidden)[..., None].to(values.dtype)
    mean = (values * shown).sum(dim=1, keepdim=True) / shown.sum(dim=1, keepdim=True).clamp(min=1)
    return mean.expand_as(values)


def nearest_visible(values: Tensor, hidden: Tensor, coordinates: Tensor) -> Tensor:
    """At every point the value of the nearest visible one, the first of them on a tie; the mean where nothing is visible.

    Args:
        values: [batch, points, channels].
        hidden: bool [batch, points].
        coordinates: [points, axes].

    Returns:
        [batch, points, channels].
    """
    distances = torch.cdist(coordinates, coordinates)
    guesses = []
    for sample, is_hidden in zip(values, hidden, strict=True):
        places = nearest_places(is_hidden, distances)
        mean = sample.mean(dim=0, keepdim=True).expand_as(sample)
        guesses.append(sample[places] if len(places) else mean)
    return torch.stack(guesses)


def nearest_places(hidden: Tensor, distances: Tensor) -> Tensor:
    """Of each point the nearest visible one, the first of them on a tie: whole numbers [points]; empty where none is visible.

    Args:
        hidden: bool [points].
        distances: between all points, [points, points].
    """
    seen = (~hidden).nonzero()[:, 0]
    return seen[distances[:, seen].argmin(dim=1)] if len(seen) else seen


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


def simple_guesses(truth: Mapping[str, Tensor], hidden: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Errors of guessing the mean of what is visible, by input: [batch] each."""
    return {
        name: error_of_hidden(mean_of_visible(values, hidden[name]), values, hidden[name])
        for name, values in truth.items()
    }
