"""Linear layers side by side: each group by its own weights, started as any linear layer."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.nn.grouped_linear import GroupedLinear
from perceivers.nn.initialization import initialize_tensors


def test_every_group_has_a_layer_of_its_own():
    layer, vectors = GroupedLinear(3, 5, 2), torch.randn(7, 3, 5)
    received = layer(vectors)
    assert received.shape == (7, 3, 2)
    for group in range(3):
        expected = vectors[:, group] @ layer.weight[group].T + layer.bias[group]
        torch.testing.assert_close(received[:, group], expected)


def test_weights_start_by_the_number_of_channels_of_one_group():
    layer = GroupedLinear(7, 50, 100)
    initialize_tensors(layer, None, 0.02)
    assert abs(layer.weight.std().item() * 50**0.5 - 1) < 0.02
    assert torch.equal(layer.bias, torch.zeros(7, 100))


def test_another_number_of_groups_is_refused():
    with pytest.raises(ShapeError, match=r"`vectors` must have shape \[batch, 3, 5\], received \[7, 2, 5\]"):
        GroupedLinear(3, 5, 2)(torch.zeros(7, 2, 5))
