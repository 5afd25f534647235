"""The decoder of videos: one position-encoded query for each pixel of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.base import EVERYTHING, AskedFor, PerceiverAbstractDecoder, Queries
from perceivers.decoders.basic import BasicDecoderOptions, PerceiverBasicDecoder
from perceivers.errors import ConfigurationError
from perceivers.nn.token_structure import TokenStructure
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class PerceiverBasicVideoAutoencodingDecoder(PerceiverAbstractDecoder):
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

    @property
    def num_query_channels(self) -> int:
        """Channels of a query."""
        return self.decoder.num_query_channels

    def own_dims(self) -> tuple[int, ...]:
        """(frames, height, width)."""
        return self.output_shape[1:]

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of points asked for."""
        return self.decoder.num_outputs(encoded, asked_for)

    def whole_grid(self, encoded: Encoded, asked_for: AskedFor) -> tuple[int, ...] | None:
        """Sizes of the output array, when all of it is asked for."""
        return self.decoder.whole_grid(encoded, asked_for)

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """Encoded positions of the pixels asked for."""
        return self.decoder.build_queries(encoded, asked_for, rows)

    def answering(self) -> tuple[PerceiverAbstractDecoder, float] | None:
        """See PerceiverAbstractDecoder."""
        return self.decoder.answering()

    def whole_because(self) -> str | None:
        """See PerceiverAbstractDecoder."""
        return self.decoder.whole_because()

    def query_structures(self, encoded: Encoded, asked_for: AskedFor) -> dict[str, TokenStructure] | None:
        """See PerceiverAbstractDecoder."""
        return self.decoder.query_structures(encoded, asked_for)

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """See PerceiverAbstractDecoder."""
        return self.decoder.attend(query, z, query_mask, output_attentions)

    def arrange(self, logits: Tensor, index_dims: tuple[int, ...]) -> Tensor:
        """[batch, frames * height * width, channels] to [batch, frames, height, width, channels]."""
        return logits.unflatten(1, index_dims)
