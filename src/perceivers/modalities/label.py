"""Class labels: a one-hot vector as a single token, and decoded tokens into class scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ShapeError, require_shape
from perceivers.modalities.base import (
    AbstractPostprocessor,
    AbstractPreprocessor,
    Preprocessed,
    require_finite,
    require_tensor,
)
from perceivers.modalities.structure import InputStructure, LinearValues, tokens_as_features


class PerceiverOneHotPreprocessor(AbstractPreprocessor):
    """A vector of class memberships as one token.

    Args:
        config: gives `num_labels`, the channels of the token.
    """

    single_token = True

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.config = config
        self._num_labels = config.num_labels

    @property
    def num_channels(self) -> int:
        """Number of classes."""
        return self._num_labels

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(1,)."""
        return (1,)

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return tokens_as_features(self)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """[batch, num_labels] floating point to [batch, 1, num_labels]; a label has no position, the others are not used."""
        require_tensor("inputs", inputs)
        if inputs.ndim != 2 or inputs.shape[1] != self._num_labels or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point class memberships [batch, {self._num_labels}], "
                f"received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_finite("inputs", inputs)
        token = inputs[:, None, :]
        return token, None, token


class PerceiverClassificationPostprocessor(AbstractPostprocessor):
    """Class scores of the first decoded token; the others are not used.

    Args:
        config: gives `num_labels`.
        in_channels: channels of a decoded token.
    """

    pointwise = False

    def __init__(self, config: PerceiverConfig, in_channels: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(in_channels, config.num_labels)

    def structure(self) -> LinearValues:
        """See AbstractPostprocessor."""
        return LinearValues(self.classifier, _first_token)

    def forward(
        self, inputs: Tensor, pos: Tensor | None = None, modality_sizes: Mapping[str, int] | None = None
    ) -> Tensor:
        """[batch, num_tokens, in_channels] to [batch, num_labels]."""
        require_shape("inputs", inputs, ("batch", "num_tokens", self.classifier.in_features))
        return self.classifier(_first_token(inputs))


def _first_token(values: Tensor) -> Tensor:
    """[batch, num_tokens, channels] to [batch, channels]."""
    return values[:, 0]
