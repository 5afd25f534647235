"""Points into groups that do not see each other, and groups merged and split again: the Hierarchical Perceiver's order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ConfigurationError


def assign_groups(sizes: Sequence[int], num_groups: int) -> list[int]:
    """How many of the groups each input gets, so that groups hold like numbers of points.

    Every input has one group to begin with; each further group goes to the input whose groups are the largest, the first of
    them on a tie (google-deepmind/hierarchical_perceiver, commit a1c4cd2).

    Args:
        sizes: points of each input.
        num_groups: of all inputs together.

    Raises:
        ConfigurationError: fewer groups than inputs.
    """
    if len(sizes) > num_groups:
        raise ConfigurationError(
            f"`groups` of the first level must be at least 1 an input ({len(sizes)}), received {num_groups}"
        )
    groups = [1] * len(sizes)
    for _ in range(num_groups - len(sizes)):
        largest = max(range(len(sizes)), key=lambda index: sizes[index] / groups[index])
        groups[largest] += 1
    return groups


class Grouping:
    """Several inputs, one after the other, in groups of one width.

    An input is filled up with zeros to a multiple of its groups and cut into neighbours; each group is then filled up with
    zeros to the width of the widest.

    Args:
        sizes: points of each input.
        num_groups: of all inputs together.
        joined: one group holds all inputs, without anything between them, as Perceiver IO has it.

    Attributes:
        groups: groups of each input.
        width: slots of a group.
    """

    def __init__(self, sizes: Sequence[int], num_groups: int, joined: bool = False) -> None:
        if joined and num_groups != 1:
            raise ConfigurationError(
                f"`groups` of the first level must be 1 where inputs are joined, received {num_groups}"
            )
        self.sizes = list(sizes)
        self.joined = joined
        self.num_groups = num_groups
        self._sizes = [sum(sizes)] if joined else self.sizes
        self.groups = assign_groups(self._sizes, num_groups)
        self._points = [
            math.ceil(size / groups) for size, groups in zip(self._sizes, self.groups, strict=True)
        ]
        self.width = max(self._points)

    def group(self, values: Sequence[Tensor]) -> Tensor:
        """Inputs, each [batch, points, channels], as [batch, groups, width, channels]."""
        parts = [torch.cat(list(values), dim=1)] if self.joined else values
        grouped = []
        for part, size, groups, points in zip(parts, self._sizes, self.groups, self._points, strict=True):
            filled = F.pad(part, (0, 0, 0, groups * points - size))
            grouped.append(F.pad(filled.unflatten(1, (groups, points)), (0, 0, 0, self.width - points)))
        return torch.cat(grouped, dim=1)

    def ungroup(self, grouped: Tensor) -> list[Tensor]:
        """[batch, groups, width, channels] back as the inputs [batch, points, channels]."""
        parts = []
        for part, size, points in zip(
            grouped.split(self.groups, dim=1), self._sizes, self._points, strict=True
        ):
            parts.append(part[:, :, :points].flatten(1, 2)[:, :size])
        return list(parts[0].split(self.sizes, dim=1)) if self.joined else parts


def regroup(values: Tensor, num_groups: int, spread: bool = False) -> Tensor:
    """The same tokens in another number of groups.

    Args:
        values: [batch, groups, tokens, channels].
        num_groups: divides groups times tokens.
        spread: False merges and splits neighbours; True gives every new group a part of all the old ones.

    Returns:
        [batch, num_groups, groups * tokens / num_groups, channels].
    """
    if spread:
        values = values.transpose(1, 2)
    return values.flatten(1, 2).unflatten(1, (num_groups, -1))


def gather_slots(grouped: Tensor, slots: Tensor) -> Tensor:
    """The same slots of every group.

    Args:
        grouped: [batch, groups, width, channels].
        slots: whole numbers [batch, kept].

    Returns:
        [batch, groups, kept, channels].
    """
    chosen = slots[:, None, :, None].expand(-1, grouped.shape[1], -1, grouped.shape[3])
    return grouped.gather(2, chosen)


def draw_without_repeats(
    num_rows: int,
    num_choices: int,
    wanted: int,
    device: torch.device | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """For each row some of the numbers below `num_choices`, each at most once, in random order.

    Args:
        num_rows: how often to draw.
        num_choices: of how many.
        wanted: how many.
        device: where the numbers go.
        generator: the source of chance; None: torch's own.

    Returns:
        [num_rows, wanted].
    """
    drawn = torch.rand(num_rows, num_choices, device=device, generator=generator)
    return drawn.argsort(dim=1)[:, :wanted]
