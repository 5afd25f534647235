"""A linear postprocessor: decoded tokens into as many values as wanted, whatever the modality."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from perceivers.errors import ShapeError
from perceivers.modalities.base import AbstractPostprocessor
from perceivers.modalities.structure import LinearValues


class PerceiverProjectionPostprocessor(AbstractPostprocessor):
    """Linear, on the last axis.

    Args:
        in_channels: channels of a decoded token.
        out_channels: values of a token.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        # Published checkpoints call this layer `classifier`, on pixels too.
        self.classifier = nn.Linear(in_channels, out_channels)

    def structure(self) -> LinearValues:
        """See AbstractPostprocessor."""
        return LinearValues(self.classifier)

    def forward(
        self, inputs: Tensor, pos: Tensor | None = None, modality_sizes: Mapping[str, int] | None = None
    ) -> Tensor:
        """[..., in_channels] to [..., out_channels]."""
        if inputs.shape[-1] != self.classifier.in_features:
            raise ShapeError(
                f"`inputs` must have {self.classifier.in_features} channels on the last axis, "
                f"received {list(inputs.shape)}"
            )
        return self.classifier(inputs)
