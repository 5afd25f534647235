"""The two-layer perceptron that follows each attention."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.nn.activations import activation, keeps_its_input
from perceivers.nn.recomputed import recomputed


class MLP(nn.Module):
    """Linear, activation, linear, on the last axis.

    Args:
        channels: size of input and output.
        widening_factor: the hidden layer has `widening_factor * channels` channels.
        activation_name: see `perceivers.nn.activations`.
        dropout: share of hidden channels left out while training, in [0, 1).
    """

    def __init__(
        self, channels: int, widening_factor: int, activation_name: str, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dense1 = nn.Linear(channels, widening_factor * channels)
        self.activation = activation(activation_name)
        self.dense2 = nn.Linear(widening_factor * channels, channels)
        self.dropout = dropout
        self._recomputes = keeps_its_input(activation_name)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """[..., channels] to [..., channels]."""
        hidden = self.dense1(hidden_states)
        if self.dropout or not self._recomputes:
            return self.dense2(F.dropout(self.activation(hidden), self.dropout, self.training))
        with recomputed(self.activation, hidden) as activated:
            return self.dense2(activated)
