"""The two-layer perceptron that follows each attention."""

from __future__ import annotations

from torch import Tensor, nn

from perceivers.nn.activations import activation


class MLP(nn.Module):
    """Linear, activation, linear, on the last axis.

    Args:
        channels: size of input and output.
        widening_factor: the hidden layer has `widening_factor * channels` channels.
        activation_name: see `perceivers.nn.activations`.
    """

    def __init__(self, channels: int, widening_factor: int, activation_name: str) -> None:
        super().__init__()
        self.dense1 = nn.Linear(channels, widening_factor * channels)
        self.activation = activation(activation_name)
        self.dense2 = nn.Linear(widening_factor * channels, channels)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """[..., channels] to [..., channels]."""
        return self.dense2(self.activation(self.dense1(hidden_states)))
