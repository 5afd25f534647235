"""Features of neighbourhoods in sets of points: the nearest points of a centre, a shared perceptron, and a maximum.

The set abstraction of PointNet++ (Qi and others 2017, arXiv 1706.02413, section 3.2), with the nearest points in the place of
those of a ball, and places in units of how far apart the points of the set itself are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError

# Points on a grid are equally far from many others. A centre is taken to lie this far beside itself, in the unit of the
# coordinates, so that the same direction wins everywhere, in any order of the points, and rounding decides nothing.
_BESIDE = (1.0e-3, 0.7e-3, 0.45e-3)
# Of points equally far from those that were chosen, the same way.
_PREFERENCE = 1.0e-3
# Instead of their distances: points that were chosen come behind all others that count, and hidden ones last.
_CHOSEN, _HIDDEN = -0.5, -1.0


class SetAbstraction(nn.Module):
    """One stage: features of some points from those of their neighbours.

        feature of a centre = max over its neighbours of W2 relu(norm(W1 [place of the neighbour, its features]))

    Places are relative to the centre, and divided by how far the last neighbour is, on average over the set: a set gives the
    same features in any unit.

    Args:
        num_coordinates: of a point.
        in_channels: features of a point; 0 for none.
        out_channels: of the features that come out; the perceptron's hidden layer has as many.
        num_neighbours: points that a centre looks at, itself among them; all of smaller sets.
    """

    def __init__(
        self, num_coordinates: int, in_channels: int, out_channels: int, num_neighbours: int
    ) -> None:
        super().__init__()
        self.num_neighbours = num_neighbours
        self.places = nn.Linear(num_coordinates, out_channels)
        if in_channels:
            self.features = nn.Linear(in_channels, out_channels, bias=False)
        self.hidden_norm = nn.LayerNorm(out_channels)
        self.output = nn.Linear(out_channels, out_channels)
        self.norm = nn.LayerNorm(out_channels)

    def forward(
        self,
        coordinates: Tensor,
        features: Tensor | None,
        counts: Tensor | None,
        centres: Tensor,
        centres_count: Tensor | None,
    ) -> Tensor:
        """Features of centres.

        Args:
            coordinates: [batch, num_points, num_coordinates].
            features: [batch, num_points, in_channels]; None where `in_channels` is 0.
            counts: bool [batch, num_points], False for points that nobody may see; None: all count.
            centres: coordinates of the centres [batch, num_centres, num_coordinates].
            centres_count: bool [batch, num_centres]; None: all count.

        Returns:
            [batch, num_centres, out_channels], not below 0.
        """
        neighbours, reach = nearest(centres, coordinates, counts, self.num_neighbours)
        if centres_count is None:
            scale = reach.mean(dim=1)
        else:
            scale = (reach * centres_count).sum(dim=1) / centres_count.sum(dim=1).clamp(min=1)
        scale = scale.clamp(min=1e-6)[:, None, None, None]
        relative = (picked(coordinates, neighbours) - centres[:, :, None]) / scale
        hidden = self.places(relative.to(self.places.weight.dtype))
        if features is not None:
            # Mapped before they are picked: a point has many neighbours.
            hidden = hidden + picked(self.features(features), neighbours)
        hidden = self.output(F.relu(self.hidden_norm(hidden)))
        return F.relu(self.norm(hidden.max(dim=2).values))


class NeighbourhoodStages(nn.Module):
    """Stages one after the other, each with fewer centres than the one before.

    Args:
        num_coordinates: of a point.
        in_channels: features of a point; 0 for none.
        widths: channels of each stage.
        num_centres: of each stage; all points of smaller sets are centres. Not more than the stage before has.
        num_neighbours: see SetAbstraction.
    """

    def __init__(
        self,
        num_coordinates: int,
        in_channels: int,
        widths: Sequence[int],
        num_centres: Sequence[int],
        num_neighbours: int,
    ) -> None:
        super().__init__()
        require_stages(widths, num_centres)
        self.num_centres = tuple(num_centres)
        self.stages = nn.ModuleList(
            SetAbstraction(num_coordinates, before, width, num_neighbours)
            for before, width in zip([in_channels, *widths], widths, strict=False)
        )

    def num_tokens(self, num_points: int) -> int:
        """Centres of the last stage, for a set of so many points."""
        return min(num_points, self.num_centres[-1])

    def forward(
        self, coordinates: Tensor, features: Tensor | None, counts: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Features of a set.

        Args:
            coordinates: [batch, num_points, num_coordinates].
            features: [batch, num_points, in_channels]; None where `in_channels` is 0.
            counts: bool [batch, num_points]; None: all count.

        Returns:
            [batch, num_tokens, widths[-1]], and the coordinates of the centres [batch, num_tokens, num_coordinates]: all
            points in their order, or `spread_out` ones, those that count first.
        """
        order = None
        for stage, count in zip(self.stages, self.num_centres, strict=True):
            centres, others = coordinates, counts
            if count < coordinates.shape[1]:
                if order is None:
                    order = spread_out(coordinates, counts, count)
                    centres = picked(coordinates, order)
                    # As many of the first ones count as there are points that do.
                    others = None if counts is None else _first(counts.sum(dim=1), count)
                else:
                    centres, others = coordinates[:, :count], None if counts is None else counts[:, :count]
            features = stage(coordinates, features, counts, centres, others)
            coordinates, counts = centres, others
        assert features is not None
        return features, coordinates


def nearest(
    centres: Tensor, points: Tensor, counts: Tensor | None, num_neighbours: int
) -> tuple[Tensor, Tensor]:
    """The points nearest to each centre, the nearest first.

    Args:
        centres: [batch, num_centres, num_coordinates].
        points: [batch, num_points, num_coordinates].
        counts: bool [batch, num_points]; None: all count.
        num_neighbours: how many; all points of smaller sets.

    Returns:
        Their indices, int64 [batch, num_centres, neighbours], and the distance of the farthest of them
        [batch, num_centres]. Where fewer points count, the nearest one stands again in the place of each that is lacking.
    """
    with torch.no_grad():
        where, among = centres.float(), points.float()
        beside = where.new_zeros(where.shape[-1])
        shown = min(len(_BESIDE), where.shape[-1])
        beside[:shown] = where.new_tensor(_BESIDE[:shown])
        # Axis by axis: a product of matrices would lose the small distances, more so in half precision.
        squares = where.new_zeros(where.shape[0], where.shape[1], among.shape[1])
        for own, other in zip((where + beside).unbind(dim=2), among.unbind(dim=2), strict=True):
            squares = squares + (own[:, :, None] - other[:, None]).square()
        if counts is not None:
            squares = squares.masked_fill(~counts[:, None], torch.inf)
        found, indices = squares.topk(min(num_neighbours, points.shape[1]), dim=-1, largest=False)
        if counts is not None:
            lacking = found.isinf()
            indices = torch.where(lacking, indices[..., :1], indices)
            found = found.masked_fill(lacking, 0.0)
        return indices, found.amax(dim=-1).sqrt()


def spread_out(points: Tensor, counts: Tensor | None, num_chosen: int) -> Tensor:
    """Farthest point sampling: each point that is chosen is the one farthest from all that were chosen before.

    The first is the one farthest from 0. Nothing is drawn: the same set gives the same points, in any order of its points.

    Args:
        points: [batch, num_points, num_coordinates].
        counts: bool [batch, num_points]; those that do not count come last. None: all count.
        num_chosen: at most num_points.

    Returns:
        Indices, int64 [batch, num_chosen].
    """
    with torch.no_grad():
        places = points.float()
        weights = 1.0 - 0.5 ** torch.arange(1, places.shape[-1] + 1, device=places.device)
        preference = 1.0 + _PREFERENCE * (places @ weights)
        distances = places.square().sum(-1)
        if counts is not None:
            distances = distances.masked_fill(~counts, _HIDDEN)
        chosen = []
        for number in range(num_chosen):
            best = (distances * preference).argmax(dim=1, keepdim=True)
            chosen.append(best)
            to_it = (places - picked(places, best)).square().sum(-1)
            # The distances from 0 served for the first one alone.
            nearer = torch.minimum(distances, to_it) if number else to_it
            distances = torch.where(distances < 0, distances, nearer).scatter_(1, best, _CHOSEN)
        return torch.cat(chosen, dim=1)


def picked(values: Tensor, indices: Tensor) -> Tensor:
    """Rows of values [batch, num_points, channels] at indices [batch, ...]: [batch, ..., channels]."""
    batch, num_points, channels = values.shape
    starts = torch.arange(batch, device=indices.device) * num_points
    flat = (indices + starts.view(-1, *[1] * (indices.ndim - 1))).flatten()
    return values.reshape(-1, channels).index_select(0, flat).reshape(*indices.shape, channels)


def num_multiplications(
    num_points: int, in_channels: int, widths: Sequence[int], num_centres: Sequence[int], num_neighbours: int
) -> int:
    """Multiplications, each with an addition, that stages take for one set; other arguments as in NeighbourhoodStages.

    Args:
        num_points: of the set.
        in_channels: numbers of a point, its coordinates and features.
        widths: channels of each stage.
        num_centres: of each stage.
        num_neighbours: of a centre.
    """
    total, before = 0, in_channels
    for width, most in zip(widths, num_centres, strict=True):
        centres = min(num_points, most)
        total += width * (num_points * before + centres * min(num_neighbours, num_points) * width)
        num_points, before = centres, width
    return total


def require_stages(widths: Sequence[int], num_centres: Sequence[int]) -> None:
    """ConfigurationError unless there are stages, each with as many centres as the one before, or fewer."""
    if not widths or len(widths) != len(num_centres) or min(*widths, *num_centres) < 1:
        raise ConfigurationError(
            "`neighbourhood_widths` and `neighbourhood_centres` must be the channels and the centres of one stage or more, "
            f"each at least 1, received {list(widths)} and {list(num_centres)}"
        )
    if any(after > before for before, after in pairwise(num_centres)):
        raise ConfigurationError(
            f"`neighbourhood_centres` must not grow from stage to stage, received {list(num_centres)}"
        )


def _first(lengths: Tensor, count: int) -> Tensor:
    """Bool [batch, count]: whether a place is among the first `lengths` [batch]."""
    return torch.arange(count, device=lengths.device) < lengths[:, None]
