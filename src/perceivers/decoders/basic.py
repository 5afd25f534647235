"""The general decoder: position-encoded queries (or none of its own) cross-attend to the latents once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any, TypedDict, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import (
    EVERYTHING,
    AskedFor,
    OutputPoints,
    gather_rows,
    one_array,
    require_indices,
    sizes_of,
)
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.decoders.structure import AttendedAnswers, DecoderStructure, PlainAnswers
from perceivers.errors import ConfigurationError, ShapeError, require_shape
from perceivers.layers import PerceiverLayer
from perceivers.nn.attention import cross_mask
from perceivers.nn.position_encoding import (
    PerceiverFourierPositionEncoding,
    PerceiverTrainablePositionEncoding,
    build_position_encoding,
)
from perceivers.nn.token_structure import (
    AffineMap,
    FourierPositions,
    Positions,
    TablePositions,
    TokenStructure,
)
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class BasicDecoderOptions(TypedDict, total=False):
    """Arguments of PerceiverBasicDecoder that every decoder built around it hands on."""

    num_channels: int
    qk_channels: int | None
    v_channels: int | None
    num_heads: int
    widening_factor: int
    use_query_residual: bool
    concat_preprocessed_input: bool
    final_project: bool
    position_encoding_only: bool
    project_pos_dim: int
    trainable_position_encoding_kwargs: Mapping[str, Any] | None
    fourier_position_encoding_kwargs: Mapping[str, Any] | None


class PositionedDecoderOptions(BasicDecoderOptions, total=False):
    """The same, for decoders whose inner one builds the queries."""

    position_encoding_type: str
    subsampled_index_dims: int | Sequence[int] | None


# While activations are recomputed, those of so many queries exist at the same time.
_RECOMPUTED_QUERIES = 16_384


class PerceiverBasicDecoder(PerceiverAbstractDecoder):
    """One query for each output, one cross-attend, an optional linear map.

    Args:
        config: gives `d_latents` and what PerceiverLayer takes from it.
        output_num_channels: channels of an output after the final linear map.
        position_encoding_type: of the queries: "trainable", "fourier", or "none" where queries come from elsewhere.
        output_index_dims: sizes of the output array, or their product.
        num_channels: channels of a query that enters the cross-attention.
        subsampled_index_dims: sizes of the array of subsampled points; when given, their number is checked against it.
        qk_channels: see PerceiverLayer.
        v_channels: see PerceiverLayer.
        num_heads: see PerceiverLayer.
        widening_factor: see PerceiverLayer.
        use_query_residual: see PerceiverLayer.
        concat_preprocessed_input: put the input's features in front of each query's position.
        final_project: end with the linear map to output_num_channels.
        position_encoding_only: build queries only; there is no cross-attention.
        project_pos_dim: channels of projected positions; -1 for no projection.
        trainable_position_encoding_kwargs: see `build_position_encoding`.
        fourier_position_encoding_kwargs: see `build_position_encoding`.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        output_num_channels: int,
        position_encoding_type: str = "trainable",
        output_index_dims: int | Sequence[int] | None = None,
        num_channels: int = 128,
        subsampled_index_dims: int | Sequence[int] | None = None,
        qk_channels: int | None = None,
        v_channels: int | None = None,
        num_heads: int = 1,
        widening_factor: int = 1,
        use_query_residual: bool = False,
        concat_preprocessed_input: bool = False,
        final_project: bool = True,
        position_encoding_only: bool = False,
        project_pos_dim: int = -1,
        trainable_position_encoding_kwargs: Mapping[str, Any] | None = None,
        fourier_position_encoding_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.output_num_channels = output_num_channels
        self.output_index_dims = None if output_index_dims is None else sizes_of(output_index_dims)
        self.subsampled_index_dims = (
            None if subsampled_index_dims is None else sizes_of(subsampled_index_dims)
        )
        self.num_channels = num_channels
        self.position_encoding_type = position_encoding_type
        self.concat_preprocessed_input = concat_preprocessed_input
        self.position_encoding_only = position_encoding_only
        self.num_latent_channels = config.d_latents
        if position_encoding_type != "none":
            self.output_position_encodings, self.positions_projection = build_position_encoding(
                position_encoding_type,
                project_pos_dim=project_pos_dim,
                trainable_position_encoding_kwargs=trainable_position_encoding_kwargs,
                fourier_position_encoding_kwargs=fourier_position_encoding_kwargs,
            )
            self._position_channels = (
                project_pos_dim if project_pos_dim > 0 else self.output_position_encodings.output_size()
            )
        elif position_encoding_only:
            raise ConfigurationError(
                "`position_encoding_only` needs a `position_encoding_type`, received 'none'"
            )
        if not position_encoding_only:
            self.decoding_cross_attention = PerceiverLayer(
                config,
                is_cross_attention=True,
                qk_channels=qk_channels,
                v_channels=v_channels,
                num_heads=num_heads,
                q_dim=num_channels,
                kv_dim=config.d_latents,
                widening_factor=widening_factor,
                use_query_residual=use_query_residual,
            )
            self.final_layer = (
                nn.Linear(num_channels, output_num_channels) if final_project else nn.Identity()
            )
            self.gradient_checkpointing = False

    @property
    def num_query_channels(self) -> int:
        """Channels of a query that this decoder builds (with `concat_preprocessed_input`: as `num_channels` says)."""
        if self.position_encoding_type == "none":
            raise ConfigurationError(
                "`num_query_channels` is not known where `position_encoding_type` is 'none': the queries come from elsewhere"
            )
        return self.num_channels if self.concat_preprocessed_input else self._position_channels

    def own_dims(self) -> tuple[int, ...] | None:
        """`output_index_dims`, where given."""
        return self.output_index_dims

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of points asked for."""
        points = one_array(asked_for)
        return points.count(self._output_dims(points))

    def whole_grid(self, encoded: Encoded, asked_for: AskedFor) -> tuple[int, ...] | None:
        """Sizes of the output array, when all of it is asked for."""
        points = one_array(asked_for)
        return self._output_dims(points) if points.indices is None else None

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """Encoded positions of the points asked for, [batch, num_points, num_query_channels]."""
        if self.position_encoding_type == "none":
            raise ConfigurationError(
                "`position_encoding_type` is 'none': this decoder builds no queries of its own"
            )
        points = one_array(asked_for)
        index_dims = self._output_dims(points)
        self._require_subsampled_size(points)
        latents = encoded.latents
        batch_size = latents.shape[0]
        indices = points.select(rows, latents.device)
        if indices is None:
            positions = self.output_position_encodings.grid(index_dims, points.rule, latents.device)
        else:
            require_indices(indices, index_dims, batch_size)
            positions = self.output_position_encodings.at(indices, index_dims, points.rule)
        positions = self.positions_projection(positions.to(latents.dtype)).expand(batch_size, -1, -1)
        if self.concat_preprocessed_input:
            positions = torch.cat([self._features(encoded, index_dims, indices), positions], dim=-1)
        return Queries(positions)

    def structure(self) -> DecoderStructure:
        """See PerceiverAbstractDecoder."""
        if self.position_encoding_type == "none":
            return PlainAnswers("its queries come from elsewhere (`position_encoding_type` 'none')")
        if self.concat_preprocessed_input:
            return PlainAnswers("queries hold input features (`concat_preprocessed_input`)")
        is_learned = isinstance(self.output_position_encodings, PerceiverTrainablePositionEncoding)
        if not is_learned and not isinstance(self.positions_projection, nn.Identity):
            reason = "a linear map mixes the axes of Fourier positions (`project_pos_dim`)"
            return PlainAnswers(reason, asks_with_inputs=False)
        return replace(
            self.cross_attend(),
            queries=self._query_structures,
            learned=self._learned_queries(None) if is_learned else None,
        )

    def cross_attend(self) -> AttendedAnswers:
        """The layers that answer queries; what the queries consist of is to be added."""
        if self.position_encoding_only:
            return AttendedAnswers()
        final = self.final_layer if isinstance(self.final_layer, nn.Linear) else None
        return AttendedAnswers(layer=self.decoding_cross_attention, final=final)

    def _query_structures(self, encoded: Encoded, asked_for: AskedFor) -> dict[str, TokenStructure]:
        points = one_array(asked_for)
        index_dims = self._output_dims(points)
        self._require_subsampled_size(points)
        indices = points.select(None, encoded.latents.device)
        if indices is not None:
            require_indices(indices, index_dims, encoded.latents.shape[0])
        encoding = self.output_position_encodings
        positions: Positions
        if isinstance(encoding, PerceiverFourierPositionEncoding):
            positions = FourierPositions(encoding, index_dims, points.rule, indices)
        else:
            positions = replace(self._learned_queries(index_dims), indices=indices)
        return {"": TokenStructure(points.count(index_dims), positions=positions)}

    def _learned_queries(self, index_dims: tuple[int, ...] | None) -> TablePositions:
        """The table of learned queries, fitted to an output array; None for the table itself."""
        encoding = cast("PerceiverTrainablePositionEncoding", self.output_position_encodings)
        table = encoding.position_embeddings if index_dims is None else encoding.grid(index_dims)
        projection = self.positions_projection
        return TablePositions(table, AffineMap.of(projection) if isinstance(projection, nn.Linear) else None)

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """See PerceiverAbstractDecoder; `logits` have `output_num_channels`, or `num_channels` without `final_project`."""
        if self.position_encoding_only:
            raise ConfigurationError(
                "`position_encoding_only` is set: this decoder builds queries and cannot answer them"
            )
        if query.ndim != 3 or query.shape[2] != self.num_channels:
            raise ShapeError(
                f"`query` must have shape [batch, num_queries, {self.num_channels}] (`num_channels`), "
                f"received {list(query.shape)}"
            )
        require_shape("z", z, (query.shape[0], "num_latents", self.num_latent_channels))
        mask = None if query_mask is None else cross_mask(query_mask)
        if self.gradient_checkpointing and self.training and not output_attentions:
            return PerceiverDecoderOutput(logits=self._recomputed(query, z, mask))
        logits, weights = self._respond(query, z, mask, output_attentions)
        return PerceiverDecoderOutput(logits=logits, cross_attentions=weights)

    def _respond(
        self, query: Tensor, z: Tensor, mask: Tensor | None, output_attentions: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        attended, *weights = self.decoding_cross_attention(
            query, inputs=z, inputs_mask=mask, output_attentions=output_attentions
        )
        return self.final_layer(attended), tuple(weights) if weights else None

    def _recomputed(self, query: Tensor, z: Tensor, mask: Tensor | None) -> Tensor:
        """Answers whose activations are computed again for the gradient, a few queries at a time: each is answered alone."""
        chunks = []
        for first in range(0, query.shape[1], _RECOMPUTED_QUERIES):
            rows = slice(first, first + _RECOMPUTED_QUERIES)
            some = None if mask is None else mask[:, :, rows]
            chunks.append(checkpoint(self._respond, query[:, rows], z, some, use_reentrant=False)[0])
        return torch.cat(chunks, dim=1)

    def _output_dims(self, points: OutputPoints) -> tuple[int, ...]:
        index_dims = points.index_dims or self.output_index_dims
        if index_dims is None:
            raise ConfigurationError("`output_index_dims` must be given to build queries, received None")
        return index_dims

    def _require_subsampled_size(self, points: OutputPoints) -> None:
        expected = self.subsampled_index_dims
        if points.indices is None or points.rule != "subsampled" or expected is None:
            return
        count = int(torch.Size(expected).numel())
        if points.indices.shape[-1] != count:
            raise ShapeError(
                f"`subsampled_points` must be {count} points (`subsampled_index_dims` {list(expected)}), "
                f"received {points.indices.shape[-1]}"
            )

    def _features(self, encoded: Encoded, index_dims: tuple[int, ...], indices: Tensor | None) -> Tensor:
        features = encoded.features
        if not isinstance(features, Tensor):
            raise ShapeError(
                "`inputs_without_pos` must be given where `concat_preprocessed_input` is set, received None"
            )
        if features.shape[1] != prod(index_dims):
            raise ShapeError(
                f"`inputs_without_pos` must have a row for each output of {list(index_dims)} where "
                f"`concat_preprocessed_input` is set, received {list(features.shape)}"
            )
        return features if indices is None else gather_rows(features, indices)


class PerceiverWrappingDecoder(PerceiverAbstractDecoder):
    """A decoder whose inner PerceiverBasicDecoder, `self.decoder`, builds the queries and answers them."""

    decoder: PerceiverBasicDecoder

    @property
    def num_query_channels(self) -> int:
        """Channels of a query."""
        return self.decoder.num_query_channels

    def own_dims(self) -> tuple[int, ...] | None:
        """Sizes of the output array."""
        return self.decoder.own_dims()

    def num_outputs(self, encoded: Encoded, asked_for: AskedFor) -> int:
        """Number of points asked for."""
        return self.decoder.num_outputs(encoded, asked_for)

    def whole_grid(self, encoded: Encoded, asked_for: AskedFor) -> tuple[int, ...] | None:
        """Sizes of the output array, when all of it is asked for."""
        return self.decoder.whole_grid(encoded, asked_for)

    def build_queries(
        self, encoded: Encoded, asked_for: AskedFor = EVERYTHING, rows: slice | None = None
    ) -> Queries:
        """Encoded positions of the points asked for, [batch, num_points, num_query_channels]."""
        return self.decoder.build_queries(encoded, asked_for, rows)

    def structure(self) -> DecoderStructure:
        """See PerceiverAbstractDecoder."""
        return self.decoder.structure()

    def attend(
        self, query: Tensor, z: Tensor, query_mask: Tensor | None = None, output_attentions: bool = False
    ) -> PerceiverDecoderOutput:
        """See PerceiverAbstractDecoder; `logits` [batch, num_queries, output_num_channels]."""
        return self.decoder.attend(query, z, query_mask, output_attentions)
