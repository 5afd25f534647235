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


def test_dropout_hides_hidden_channels_while_training_alone():
    torch.manual_seed(0)
    mlp = MLP(3, 7, "gelu", dropout=0.5)
    mlp.dense2.weight.data.fill_(1.0)
    mlp.dense2.bias.data.zero_()
    values = torch.randn(211, 3)
    hidden = mlp.activation(mlp.dense1(values))
    torch.testing.assert_close(mlp.eval()(values)[:, 0], hidden.sum(dim=1))
    trained = mlp.train()(values)[:, 0]
    # What stays is doubled, so that the mean stays.
    assert not torch.allclose(trained, hidden.sum(dim=1))
    assert trained.mean().item() == pytest.approx(hidden.sum(dim=1).mean().item(), abs=0.15)
