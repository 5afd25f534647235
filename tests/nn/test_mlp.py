"""The perceptron is linear, activation, linear, of the width asked for."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.nn.mlp import MLP


def test_it_is_two_matrices_with_an_activation_between_them():
    mlp = MLP(channels=3, widening_factor=5, activation_name="relu")
    assert mlp.dense1.weight.shape == (15, 3)
    assert mlp.dense2.weight.shape == (3, 15)
    values = torch.randn(2, 7, 3)
    hidden = (values @ mlp.dense1.weight.T + mlp.dense1.bias).clamp(min=0)
    torch.testing.assert_close(mlp(values), hidden @ mlp.dense2.weight.T + mlp.dense2.bias)


def test_the_activation_is_the_one_named():
    first = MLP(3, 2, "gelu")
    second = MLP(3, 2, "tanh")
    second.load_state_dict(first.state_dict())
    values = torch.randn(5, 3)
    hidden = torch.tanh(first.dense1(values))
    torch.testing.assert_close(second(values), first.dense2(hidden))
    assert not torch.allclose(first(values), second(values))


def test_an_unknown_activation_is_an_error():
    with pytest.raises(ConfigurationError, match=r"`hidden_act` must be one of .* received 'nonsense'"):
        MLP(3, 2, "nonsense")
