"""Preprocessors whose tokens are features of a grid with positions: how positions are made, and told apart from features."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed
from perceivers.modalities.structure import InputStructure, TokensOfGroups, WholeTokens
from perceivers.nn.position_encoding import (
    PerceiverAbstractPositionEncoding,
    PerceiverFourierPositionEncoding,
    PerceiverTrainablePositionEncoding,
    build_position_encoding,
    resize_table,
)
from perceivers.nn.token_structure import (
    AffineMap,
    FourierPositions,
    Positions,
    TablePositions,
    TokenStructure,
)


class PositionedPreprocessor(AbstractPreprocessor):
    """A preprocessor whose tokens are features with positions beside them, or added to them.

    A subclass registers its feature layers, then calls `_build_positions`.
    """

    position_embeddings: PerceiverAbstractPositionEncoding
    positions_projection: nn.Module

    @property
    def num_channels(self) -> int:
        """Channels of features and positions together."""
        return self._feature_channels + (self._position_channels if self._concatenates else 0)

    def _build_positions(
        self,
        *,
        feature_channels: int,
        position_encoding_type: str,
        concat_or_add_pos: str,
        project_pos_dim: int,
        n_extra_pos_mlp: int,
        trainable_position_encoding_kwargs: Mapping[str, Any] | None,
        fourier_position_encoding_kwargs: Mapping[str, Any] | None,
        out_channels: int | None = None,
    ) -> None:
        if concat_or_add_pos not in ("concat", "add"):
            raise ConfigurationError(
                f"`concat_or_add_pos` must be 'concat' or 'add', received {concat_or_add_pos!r}"
            )
        self.position_embeddings, self.positions_projection = build_position_encoding(
            position_encoding_type,
            out_channels=out_channels,
            project_pos_dim=project_pos_dim,
            trainable_position_encoding_kwargs=trainable_position_encoding_kwargs,
            fourier_position_encoding_kwargs=fourier_position_encoding_kwargs,
        )
        encoded = self.position_embeddings.output_size()
        self._position_channels = project_pos_dim if project_pos_dim > 0 else encoded
        self._feature_channels = feature_channels
        self._concatenates = concat_or_add_pos == "concat"
        if not self._concatenates and self._position_channels != feature_channels:
            raise ConfigurationError(
                f"positions must have the features' {feature_channels} channels where `concat_or_add_pos` is 'add', "
                f"received {self._position_channels}: set `project_pos_dim`"
            )
        if n_extra_pos_mlp > 0:
            self.extra_position_mlp = _linear_stack(self._position_channels, n_extra_pos_mlp)

    def _with_positions(
        self, features: Tensor, pos: Tensor | None, network_input_is_1d: bool, interpolate_pos_encoding: bool
    ) -> Preprocessed:
        """Tokens from features [batch, *index_dims, channels]."""
        index_dims = features.shape[1:-1]
        flat = features.flatten(1, -2)
        positions = self._positions(index_dims, flat, pos, interpolate_pos_encoding)
        tokens = torch.cat([flat, positions], dim=-1) if self._concatenates else flat + positions
        if not network_input_is_1d:
            tokens, flat = (each.reshape(-1, *index_dims, each.shape[-1]) for each in (tokens, flat))
        return tokens, None, flat

    def _structure(
        self, values: Callable[[Any], Tensor], feature_map: AffineMap | None = None
    ) -> InputStructure:
        """See AbstractPreprocessor: features and positions beside each other, where they can be told apart.

        Args:
            values: from inputs, which it checks as `forward` does, to [batch, num_tokens, in_channels].
            feature_map: the constant linear map from values to features; None where they are the features.
        """
        reason = self._whole_because()
        if reason is not None:
            return WholeTokens(reason)
        encoding, learned = self.position_embeddings, []
        if isinstance(encoding, PerceiverTrainablePositionEncoding):
            learned = [TablePositions(encoding.position_embeddings, self._projection())]
        return TokensOfGroups(
            self.num_channels,
            partial(self._parts, values, feature_map),
            learned,
            partial(self._part_of_values, feature_map),
        )

    def _parts(
        self,
        values: Callable[[Any], Tensor],
        feature_map: AffineMap | None,
        inputs: Any,
        interpolate_pos_encoding: bool,
    ) -> dict[str, TokenStructure]:
        some, index_dims = values(inputs), self.index_dims(inputs)
        return {"": self._part_of_values(feature_map, some, index_dims, interpolate_pos_encoding)}

    def _part_of_values(
        self,
        feature_map: AffineMap | None,
        values: Tensor,
        index_dims: Sequence[int],
        interpolate_pos_encoding: bool = True,
    ) -> TokenStructure:
        encoding = self.position_embeddings
        positions: Positions
        if isinstance(encoding, PerceiverFourierPositionEncoding):
            self._require_axes(index_dims, encoding)
            positions = FourierPositions(encoding, tuple(index_dims))
        else:
            learned = cast("PerceiverTrainablePositionEncoding", encoding)
            table = self._learned_positions(learned, index_dims, None, interpolate_pos_encoding)
            positions = TablePositions(table, self._projection())
        return TokenStructure(values.shape[1], values, feature_map, positions)

    def _projection(self) -> AffineMap | None:
        projection = self.positions_projection
        return AffineMap.of(projection) if isinstance(projection, nn.Linear) else None

    def _whole_because(self) -> str | None:
        """Why features and positions cannot be told apart; None where they can."""
        if not self._concatenates:
            return "positions are added to the features (`concat_or_add_pos`)"
        if hasattr(self, "extra_position_mlp"):
            return "a perceptron transforms positions (`n_extra_pos_mlp`)"
        is_fourier = isinstance(self.position_embeddings, PerceiverFourierPositionEncoding)
        if is_fourier and not isinstance(self.positions_projection, nn.Identity):
            return "a linear map mixes the axes of Fourier positions (`project_pos_dim`)"
        return None

    def _require_axes(self, index_dims: Sequence[int], encoding: PerceiverFourierPositionEncoding) -> None:
        if len(index_dims) != encoding.num_dimensions:
            raise ShapeError(
                f"`inputs` must give tokens on a grid of {encoding.num_dimensions} axes (one for each entry of "
                f"`max_resolution`), received a grid of {list(index_dims)}"
            )

    def _positions(
        self, index_dims: Sequence[int], features: Tensor, pos: Tensor | None, interpolate_pos_encoding: bool
    ) -> Tensor:
        encoding = self.position_embeddings
        batch_size = features.shape[0]
        if isinstance(encoding, PerceiverFourierPositionEncoding):
            if pos is None:
                self._require_axes(index_dims, encoding)
            encoded = encoding(index_dims, batch_size, device=features.device, dtype=features.dtype, pos=pos)
        else:
            encoded = self._learned_positions(
                cast("PerceiverTrainablePositionEncoding", encoding),
                index_dims,
                pos,
                interpolate_pos_encoding,
            ).expand(batch_size, -1, -1)
        projected = self.positions_projection(encoded)
        return self.extra_position_mlp(projected) if hasattr(self, "extra_position_mlp") else projected

    def _learned_positions(
        self,
        encoding: PerceiverTrainablePositionEncoding,
        index_dims: Sequence[int],
        pos: Tensor | None,
        interpolate_pos_encoding: bool,
    ) -> Tensor:
        if pos is not None:
            raise ShapeError(
                "`pos` needs Fourier positions; learned positions have no coordinates, pass None"
            )
        learned, dims = encoding.index_dims, tuple(index_dims)
        if interpolate_pos_encoding:
            return (
                encoding(None, True, dims)
                if len(dims) == 2
                else resize_table(encoding.position_embeddings, learned, dims)
            )
        # A table made for a number of positions alone serves any grid of as many.
        fits = learned == dims if len(learned) == len(dims) else math.prod(learned) == math.prod(dims)
        if not fits:
            raise ShapeError(
                f"`inputs` must give the {math.prod(learned)} tokens that learned positions exist for, {list(learned)}, "
                f"received a grid of {list(dims)}: pass interpolate_pos_encoding=True to fit the positions to it"
            )
        return encoding(None)


def _linear_stack(channels: int, num_layers: int) -> nn.Sequential:
    """Linear layers with ReLU between them (`n_extra_pos_mlp` of the original code)."""
    layers: list[nn.Module] = []
    for index in range(num_layers):
        layers.append(nn.Linear(channels, channels))
        if index < num_layers - 1:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def axis_resolutions(max_resolution: int | Sequence[int], num_axes: int) -> tuple[int, ...]:
    """`max_resolution` of Fourier positions as one number an axis; a single number serves every axis."""
    if isinstance(max_resolution, int):
        max_resolution = (max_resolution,) * num_axes
    if not isinstance(max_resolution, Sequence) or len(max_resolution) != num_axes:
        raise ConfigurationError(
            f"`max_resolution` must be a number, or {num_axes} numbers (one for each axis), received {max_resolution!r}"
        )
    for resolution in max_resolution:
        require_count("max_resolution", resolution)
    return tuple(max_resolution)
