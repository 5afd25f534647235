"""The decoder of optical flow: every input token asks, with its own features, where its pixel went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack, cast

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import EVERYTHING, AskedFor, gather_rows, one_array, require_indices
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.decoders.basic import PerceiverBasicDecoder, PositionedDecoderOptions
from perceivers.decoders.structure import DecoderStructure
from perceivers.errors import ShapeError
from perceivers.nn.initialization import start_at_zero
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class PerceiverOpticalFlowDecoder(PerceiverAbstractDecoder):
    """Queries are the input tokens; answers are divided by `rescale_factor` and laid out as a picture.

    Args:
        config: see PerceiverBasicDecoder.
        output_image_shape: (height, width) of the picture, where nothing else says it.
        output_num_channels: 2, a displacement along x and y.
        rescale_factor: divides the answers.
        decoder_kwargs: further arguments of PerceiverBasicDecoder; those about positions are accepted because the reference
            passes them, and give nothing: the queries are the tokens.
    """

    needs_tokens = True

    def __init__(
        self,
        config: PerceiverConfig,
        output_image_shape: Sequence[int],
        output_num_channels: int = 2,
        rescale_factor: float = 100.0,
        **decoder_kwargs: Unpack[PositionedDecoderOptions],
    ) -> None:
        super().__init__()
        self.output_image_shape = tuple(output_image_shape)
        self.rescale_factor = rescale_factor
        options: PositionedDecoderOptions = {"position_encoding_type": "none", **decoder_kwargs}
        self.decoder = PerceiverBasicDecoder(config, output_num_channels=output_num_channels, **options)
        start_at_zero(self.decoder.final_layer)

    @property
    def num_query_channels(self) -> int:
        """Channels of an input token."""
        return self.decoder.num_channels

    def own_dims(self) -> tuple[int, ...]:
        """`output_image_shape`."""
        return self.output_image_shape

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of points asked for, all tokens by default."""
        return one_array(asked_for).count(self._picture(encoded))

    def whole_grid(self, encoded: Encoded, asked_for: AskedFor) -> tuple[int, ...] | None:
        """(height, width) when all pixels are asked for."""
        return self._picture(encoded) if one_array(asked_for).indices is None else None

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """The tokens of the points asked for, [batch, num_points, num_query_channels]."""
        tokens = cast("Tensor", encoded.tokens)
        indices = self._indices(encoded, asked_for, rows)
        return Queries(tokens if indices is None else gather_rows(tokens, indices))

    def structure(self) -> DecoderStructure:
        """See PerceiverAbstractDecoder: queries have the structure of the tokens."""
        return replace(
            self.decoder.cross_attend(), token_indices=self._indices, factor=1 / self.rescale_factor
        )

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """See PerceiverAbstractDecoder; `logits` [batch, num_queries, 2], in units of 1/20 of released models' pixels."""
        answered = self.decoder.attend(query, z, query_mask, output_attentions)
        answered.logits = cast("Tensor", answered.logits) / self.rescale_factor
        return answered

    def arrange(self, logits: Tensor, index_dims: tuple[int, ...]) -> Tensor:
        """[batch, height * width, 2] to [batch, height, width, 2]."""
        return logits.unflatten(1, index_dims)

    def _indices(self, encoded: Encoded, asked_for: AskedFor, rows: slice | None = None) -> Tensor | None:
        """The tokens asked for, or some rows of them; None for all."""
        points = one_array(asked_for)
        picture = self._picture(encoded)
        if points.index_dims not in (None, picture):
            raise ShapeError(
                f"`output_dims` must be the input's own {list(picture)}, received {points.index_dims}"
            )
        tokens = cast("Tensor", encoded.tokens)
        indices = points.select(rows, tokens.device)
        if indices is not None:
            require_indices(indices, picture, tokens.shape[0])
        return indices

    def _picture(self, encoded: Encoded) -> tuple[int, ...]:
        if encoded.tokens is None:
            raise ShapeError(
                "`encoded` must hold the input tokens, which are the queries of optical flow; received None"
            )
        if encoded.index_dims is not None:
            return encoded.index_dims
        own = self.output_image_shape
        return own if math.prod(own) == encoded.tokens.shape[1] else (encoded.tokens.shape[1],)
