"""Guesses from what is visible, against numbers worked out by hand."""

from __future__ import annotations

import torch

from perceivers.rivals.visible import mean_of_visible, nearest_visible

VALUES = torch.tensor([[[1.0], [2.0], [6.0], [4.0]]])
HIDDEN = torch.tensor([[True, False, False, True]])
LINE = torch.arange(4.0)[:, None]


def test_the_simple_guesses_are_made_of_what_is_visible() -> None:
    assert mean_of_visible(VALUES, HIDDEN).flatten().tolist() == [4.0] * 4
    assert nearest_visible(VALUES, HIDDEN, LINE).flatten().tolist() == [2.0, 2.0, 6.0, 6.0]
    everything = torch.ones_like(HIDDEN)
    assert nearest_visible(VALUES, everything, LINE).flatten().tolist() == [3.25] * 4
