"""The contract of a modality: a preprocessor turns values into tokens, a postprocessor decoded tokens into values."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.structure import (
    InputStructure,
    OutputStructure,
    TokensOfGroups,
    WholeTokens,
)
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

Preprocessed = tuple[Tensor, Mapping[str, int] | None, Any]


class AbstractPreprocessor(nn.Module, ABC):
    """Values of one modality (or of several) into tokens [batch, num_tokens, num_channels]."""

    #: Whether every sample gives exactly one token, so that a mask token can stand for an absent one.
    single_token: bool = False

    @property
    @abstractmethod
    def num_channels(self) -> int:
        """Channels of the tokens."""

    @abstractmethod
    def index_dims(self, inputs: Any) -> tuple[int, ...]:
        """Sizes of the grid that the tokens of `inputs` lie on, slowest axis first."""

    def output_dims(self, inputs: Any) -> Any:
        """Sizes of the array that a decoder must answer to describe `inputs` whole: the grid of its tokens, by default."""
        return self.index_dims(inputs)

    @abstractmethod
    def forward(
        self,
        inputs: Any,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of `inputs`.

        Args:
            inputs: as the modality says.
            pos: coordinates in [-1, 1] of each token, [batch, num_tokens, num_axes]; None for the grid's own. Fourier
                positions only.
            network_input_is_1d: lay tokens in a row; False keeps their grid.
            interpolate_pos_encoding: fit learned positions to inputs of another size than they were trained for.

        Returns:
            tokens [batch, num_tokens, num_channels]; number of tokens of each modality, or None for a single one; the
            tokens without their positions.
        """

    def structure(self) -> InputStructure:
        """What tokens consist of, for the fast form: nothing is known, by default, and they are built whole.

        Whoever overrides `forward` alone need not care: what a class further up said is then not believed.
        """
        return WholeTokens(f"{type(self).__name__} does not say what its tokens consist of")

    def input_mask(self, mask: Any, tokens: Tensor, modality_sizes: Mapping[str, int] | None) -> Tensor:
        """A bool mask over tokens.

        Args:
            mask: [batch, num_tokens], nonzero where a token counts.
            tokens: what `forward` returned.
            modality_sizes: what `forward` returned.
        """
        return token_mask(mask, tokens)

    def own_positions(self, inputs: Any, mask: Any) -> Any:
        """Positions that each sample has for itself because of what counts in it, as `forward` takes them in `pos`.

        None, the default, where positions do not depend on the mask.

        Args:
            inputs: what `forward` takes.
            mask: what `input_mask` takes.
        """
        return None


class AbstractPostprocessor(nn.Module, ABC):
    """Decoded tokens [batch, num_tokens, channels] back into values."""

    #: Whether each token is turned into values alone, so that chunks of tokens may be.
    pointwise: bool = True

    @abstractmethod
    def forward(
        self, inputs: Any, pos: Tensor | None = None, modality_sizes: Mapping[str, int] | None = None
    ) -> Any:
        """Values of decoded tokens.

        Args:
            inputs: [batch, num_tokens, channels].
            pos: not used by any postprocessor of the papers; accepted because callers pass it.
            modality_sizes: number of tokens of each modality, where there are several.
        """

    def structure(self) -> OutputStructure | None:
        """How values come from decoded tokens, for the fast form; None, the default, where nothing is known."""
        return None

    def of_chunk(self, decoded: Tensor, modality_sizes: Mapping[str, int] | None) -> Any:
        """What can be made of some of the decoded tokens without the others: values, or the tokens as they are."""
        return self(decoded, modality_sizes=modality_sizes) if self.pointwise else decoded

    def of_whole(self, joined: Any, modality_sizes: Mapping[str, int] | None) -> Any:
        """Values of all decoded tokens, from what `of_chunk` made of their chunks."""
        return joined if self.pointwise else self(joined, modality_sizes=modality_sizes)


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


def token_mask(mask: Tensor, tokens: Tensor) -> Tensor:
    """`mask` as bool [batch, num_tokens]; ShapeError when it does not fit `tokens`."""
    if tuple(mask.shape) != tuple(tokens.shape[:2]):
        raise ShapeError(
            f"`attention_mask` must have shape {list(tokens.shape[:2])} (one entry a token), received {list(mask.shape)}"
        )
    return mask.to(torch.bool)


def require_tensor(argument: str, values: Any) -> None:
    """ShapeError for lists, NumPy arrays and the like."""
    if not isinstance(values, Tensor):
        raise ShapeError(f"`{argument}` must be a torch.Tensor, received {type(values).__name__}")


def require_finite(argument: str, values: Tensor) -> None:
    """ShapeError where a floating tensor holds NaN or infinity; not checked while a graph is being captured."""
    if torch.compiler.is_compiling() or values.is_meta or not values.is_floating_point():
        return
    if not bool(torch.isfinite(values).all()):
        raise ShapeError(
            f"`{argument}` must hold finite numbers, received NaN or infinity in {list(values.shape)}"
        )
