"""The contract of a decoder: the queries for what is asked for, and what the latents answer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from perceivers.decoders.asked_for import EVERYTHING, AskedFor, ask_for, one_array
from perceivers.decoders.structure import DecoderStructure, PlainAnswers
from perceivers.errors import ConfigurationError
from perceivers.outputs import Encoded, PerceiverDecoderOutput


@dataclass(frozen=True)
class Queries:
    """What the decoder asks the latents.

    Attributes:
        tokens: [batch, num_queries, num_query_channels].
        modality_sizes: number of queries of each modality, where there are several.
    """

    tokens: Tensor
    modality_sizes: Mapping[str, int] | None = None


class PerceiverAbstractDecoder(nn.Module, ABC):
    """Output queries, and their cross-attention to the latents.

    A subclass defines `num_query_channels` and either `build_queries`, `num_outputs` and `attend`, or, as in the reference,
    `decoder_query` and `forward`: then queries are built whole, from the input tokens, whatever part of them is wanted.
    """

    #: Whether queries are made of the input tokens, which are then kept.
    needs_tokens: bool = False
    #: Whether whoever reads the answers reads the input tokens, too, which are then made whole and kept.
    keeps_tokens: bool = False
    #: Whether answers come from the mean of the latents, without a query.
    takes_mean: bool = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "decoder_query" in vars(cls) and "build_queries" not in vars(cls):
            cls.needs_tokens = True

    @property
    @abstractmethod
    def num_query_channels(self) -> int:
        """Channels of a query."""

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of queries for what is asked for."""
        return self.build_queries(encoded, asked_for).tokens.shape[1]

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """Queries for what is asked for, or for some rows of it.

        Args:
            encoded: what the model's `encode` returned.
            asked_for: which outputs; by modality where there are several.
            rows: start and stop among the queries asked for; each query is the same whatever the others are.
        """
        self._require_own("decoder_query", "build_queries")
        points = one_array(asked_for)
        if points.indices is not None and points.rule != "subsampled":
            raise ConfigurationError(
                f"`positions` need a decoder with `build_queries`; {type(self).__name__} has `decoder_query` alone"
            )
        queries = self.decoder_query(
            encoded.tokens, encoded.modality_sizes, encoded.features, subsampled_points=points.indices
        )
        return Queries(queries if rows is None else queries[:, rows])

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """What the latents answer each query.

        Args:
            query: [batch, num_queries, num_query_channels].
            z: latents, [batch, num_latents, d_latents].
            query_mask: [batch, num_queries], nonzero where a query may look at the latents.
            output_attentions: also return the cross-attention weights.

        Returns:
            `logits` [batch, num_queries, channels].
        """
        self._require_own("forward", "attend")
        return self(query, z, query_mask=query_mask, output_attentions=output_attentions)

    def structure(self) -> DecoderStructure:
        """What queries consist of and what answers them, for the fast form: nothing is known, by default.

        Whoever overrides `build_queries` or `attend` alone need not care: what a class further up said is then not believed.
        """
        return PlainAnswers(f"{type(self).__name__} does not say what its queries consist of")

    def whole_grid(self, encoded: Encoded, asked_for: AskedFor) -> tuple[int, ...] | None:
        """Sizes of the output array when all of it is asked for; None otherwise, or where there are several arrays."""
        return None

    def modality_sizes(self, encoded: Encoded, asked_for: AskedFor) -> Mapping[str, int] | None:
        """Number of queries of each modality, where there are several."""
        return None

    def arrange(self, logits: Tensor, index_dims: tuple[int, ...]) -> Tensor:
        """Lay out the answers of a whole output array; as they are, by default.

        Args:
            logits: [batch, prod(index_dims), channels].
            index_dims: sizes of the output array.
        """
        return logits

    def own_dims(self) -> tuple[int, ...] | None:
        """Sizes of the output array that this decoder was built for, where it knows them."""
        return None

    def decoder_query(
        self,
        inputs: Any,
        modality_sizes: Mapping[str, int] | None = None,
        inputs_without_pos: Any = None,
        subsampled_points: Any = None,
    ) -> Tensor:
        """Queries for the whole output array, or for `subsampled_points` of it.

        Args:
            inputs: tokens [batch, num_inputs, channels], as the preprocessor gave them.
            modality_sizes: number of tokens of each modality.
            inputs_without_pos: tokens without positions.
            subsampled_points: flat indices [num_points], by modality where there are several; coordinates of Fourier
                queries then follow the "subsampled" rule of `perceivers.nn.fourier`.

        Returns:
            [batch, num_queries, num_query_channels].
        """
        encoded = Encoded(inputs, tokens=inputs, features=inputs_without_pos, modality_sizes=modality_sizes)
        return self.build_queries(encoded, ask_for(subsampled_output_points=subsampled_points)).tokens

    def forward(
        self,
        query: Tensor,
        z: Tensor,
        query_mask: Tensor | None = None,
        output_attentions: bool | None = False,
    ) -> PerceiverDecoderOutput:
        """`attend`, with the answers laid out as the decoder's own output array where they are the whole of it."""
        answered = self.attend(query, z, query_mask, bool(output_attentions))
        own = self.own_dims()
        if answered.logits is not None and own is not None and query.shape[1] == math.prod(own):
            answered.logits = self.arrange(answered.logits, own)
        return answered

    def _require_own(self, defined: str, instead_of: str) -> None:
        """ConfigurationError where a subclass has neither of two methods that stand for each other."""
        if getattr(type(self), defined) is getattr(PerceiverAbstractDecoder, defined):
            raise ConfigurationError(
                f"{type(self).__name__} must define `{instead_of}` or `{defined}`, received neither"
            )
