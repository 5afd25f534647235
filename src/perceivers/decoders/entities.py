"""The decoder of sets: every input token asks, with its own features, for an output of its own."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import EVERYTHING, AskedFor, gather_rows, one_array, require_indices
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.decoders.basic import PerceiverBasicDecoder
from perceivers.decoders.structure import DecoderStructure
from perceivers.errors import ShapeError
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class PerceiverEntityDecoder(PerceiverAbstractDecoder):
    """Queries are the encoded input elements, as Perceiver IO has it in the place of AlphaStar's entity encoder.

    Jaegle et al. 2021, "Perceiver IO", section 4.4 and the table of output queries in its appendix: a set has no positions to
    ask by, and what comes out must be told apart as what went in. The answer is added to what asked.

    Args:
        config: see PerceiverBasicDecoder; gives `num_cross_attention_heads` and `cross_attention_widening_factor`.
        num_channels: of a token, of its query and of its output; divisible by the number of heads.
    """

    needs_tokens = True

    def __init__(self, config: PerceiverConfig, num_channels: int) -> None:
        super().__init__()
        self.decoder = PerceiverBasicDecoder(
            config,
            output_num_channels=num_channels,
            position_encoding_type="none",
            num_channels=num_channels,
            qk_channels=num_channels,
            v_channels=num_channels,
            num_heads=config.num_cross_attention_heads,
            widening_factor=config.cross_attention_widening_factor,
            use_query_residual=True,
            final_project=False,
        )

    @property
    def num_query_channels(self) -> int:
        """Channels of an input token."""
        return self.decoder.num_channels

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of tokens asked for, all by default."""
        return one_array(asked_for).count((_tokens(encoded).shape[1],))

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """The tokens asked for, [batch, number asked for, num_query_channels]."""
        tokens, indices = _tokens(encoded), self._indices(encoded, asked_for, rows)
        return Queries(tokens if indices is None else gather_rows(tokens, indices))

    def structure(self) -> DecoderStructure:
        """See PerceiverAbstractDecoder: queries have the structure of the tokens."""
        return replace(self.decoder.cross_attend(), token_indices=self._indices)

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """See PerceiverAbstractDecoder; `logits` [batch, num_queries, num_channels]."""
        return self.decoder.attend(query, z, query_mask, output_attentions)

    def _indices(self, encoded: Encoded, asked_for: AskedFor, rows: slice | None = None) -> Tensor | None:
        """The tokens asked for, or some rows of them; None for all."""
        points, tokens = one_array(asked_for), _tokens(encoded)
        if points.index_dims not in (None, (tokens.shape[1],)):
            raise ShapeError(
                f"`output_dims` must be the number of tokens, {tokens.shape[1]}, received {points.index_dims}"
            )
        indices = points.select(rows, tokens.device)
        if indices is not None:
            require_indices(indices, (tokens.shape[1],), tokens.shape[0])
        return indices


def _tokens(encoded: Encoded) -> Tensor:
    if encoded.tokens is None:
        raise ShapeError("`encoded` must hold the input tokens, which are the queries; received None")
    return encoded.tokens
