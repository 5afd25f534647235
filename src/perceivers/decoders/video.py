"""The decoder of videos: one position-encoded query for each pixel of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.basic import BasicDecoderOptions, PerceiverBasicDecoder, PerceiverWrappingDecoder
from perceivers.errors import ConfigurationError


class PerceiverBasicVideoAutoencodingDecoder(PerceiverWrappingDecoder):
    """A basic decoder whose answers are laid out as a video.

    Args:
        config: see PerceiverBasicDecoder.
        output_shape: (batch, frames, height, width); the batch entry is not used.
        position_encoding_type: of the queries: "trainable" or "fourier".
        output_num_channels: channels of an answer; None takes `config.output_num_channels`.
        subsampled_index_dims: see PerceiverBasicDecoder.
        decoder_kwargs: further arguments of PerceiverBasicDecoder.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        output_shape: Sequence[int],
        position_encoding_type: str,
        output_num_channels: int | None = None,
        subsampled_index_dims: int | Sequence[int] | None = None,
        **decoder_kwargs: Unpack[BasicDecoderOptions],
    ) -> None:
        super().__init__()
        if len(output_shape) != 4:
            raise ConfigurationError(
                f"`output_shape` must be (batch, frames, height, width), received {list(output_shape)}"
            )
        self.output_shape = tuple(output_shape)
        self.output_num_channels = output_num_channels or config.output_num_channels
        self.decoder = PerceiverBasicDecoder(
            config,
            output_num_channels=self.output_num_channels,
            position_encoding_type=position_encoding_type,
            output_index_dims=self.output_shape[1:],
            subsampled_index_dims=subsampled_index_dims,
            **decoder_kwargs,
        )

    def arrange(self, logits: Tensor, index_dims: tuple[int, ...]) -> Tensor:
        """[batch, frames * height * width, channels] to [batch, frames, height, width, channels]."""
        return logits.unflatten(1, index_dims)
