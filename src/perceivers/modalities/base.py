"""The contract of a modality: a preprocessor turns values into tokens, a postprocessor decoded tokens into values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.errors import ShapeError
from perceivers.modalities.structure import (
    InputStructure,
    OutputStructure,
    WholeTokens,
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


def require_rows(argument: str, indices: Tensor, num_rows: int, name: str) -> None:
    """ShapeError where indices lie outside a table of `num_rows` rows; not checked while a graph is being captured."""
    if torch.compiler.is_compiling() or indices.is_meta:
        return
    low, high = (int(bound) for bound in indices.aminmax())
    if low < 0 or high >= num_rows:
        raise ShapeError(
            f"`{argument}` must hold {name} in [0, {num_rows - 1}], received {name} from {low} to {high}"
        )
