"""Guesses of what is hidden from what is visible: the mean, and the nearest."""

from __future__ import annotations

import torch
from torch import Tensor


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
