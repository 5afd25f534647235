"""Errors of what was hidden, and neighbours among positions, against numbers worked out by hand."""

from __future__ import annotations

import torch

from perceivers.tasks.masked_autoencoding.measures import (
    error_of_hidden,
    neighbours_found,
    share_of_neighbours,
)

VALUES = torch.tensor([[[1.0], [2.0], [6.0], [4.0]]])
HIDDEN = torch.tensor([[True, False, False, True]])


def test_only_hidden_points_are_measured() -> None:
    # (3 - 1)^2 and (3 - 4)^2.
    assert error_of_hidden(torch.full_like(VALUES, 3.0), VALUES, HIDDEN).tolist() == [2.5]


def test_positions_that_follow_the_line_find_their_neighbours() -> None:
    angles = torch.arange(12.0) * 0.4
    line = torch.arange(12.0)[:, None]
    table = torch.stack([angles.sin(), angles.cos()], dim=1)
    assert neighbours_found(table, line) == 1.0
    # Each other position lies opposite: neighbours are two steps away.
    assert neighbours_found(table * torch.tensor([1.0, -1.0]).repeat(6)[:, None], line) < 0.5
    # 11 pairs of 66.
    assert abs(share_of_neighbours(line) - 1 / 6) < 1e-6
