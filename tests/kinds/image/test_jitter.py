"""Random brightness, contrast and saturation."""

from __future__ import annotations

import torch

from perceivers.kinds.image.jitter import jitter_colours


def test_nothing_is_drawn_where_nothing_changes():
    images, state = torch.randn(2, 3, 5, 7), torch.get_rng_state()
    assert jitter_colours(images, 0.0) is images
    assert torch.equal(torch.get_rng_state(), state)


def test_each_picture_changes_by_amounts_of_its_own_within_the_strength():
    torch.manual_seed(0)
    grey = torch.randn(1, 1, 5, 7).expand(50, 1, 5, 7)
    changed = jitter_colours(grey, 0.4)
    contrast = changed.std(dim=(1, 2, 3)) / grey.std(dim=(1, 2, 3))
    brightness = changed.mean(dim=(1, 2, 3)) - grey.mean(dim=(1, 2, 3))
    assert 0.6 <= contrast.min() < 0.7 < 1.3 < contrast.max() <= 1.4
    assert -0.2 <= brightness.min() < -0.1 < 0.1 < brightness.max() <= 0.2
    assert len(set(contrast.tolist())) == 50


def test_saturation_moves_colours_to_grey_and_away():
    torch.manual_seed(0)
    # Red and blue alike, so that contrast and brightness leave their difference alone.
    images = torch.tensor([0.5, 0.0, -0.5]).view(1, 3, 1, 1).expand(50, 3, 5, 7)
    changed = jitter_colours(images, 0.4)
    mean = changed.mean(dim=1, keepdim=True)
    assert torch.allclose(mean.expand_as(images)[:, 1], changed[:, 1], atol=1e-6)
    spread = (changed[:, 0] - changed[:, 2])[:, 0, 0]
    assert 0.36 <= spread.min() < 0.7
    assert 1.3 < spread.max() <= 1.96
