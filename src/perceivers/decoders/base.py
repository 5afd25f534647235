"""The contract of a decoder: which outputs are asked for, the queries for them, and what the latents answer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.decoders.structure import DecoderStructure, PlainAnswers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.fourier import COORDINATE_RULES
from perceivers.outputs import Encoded, PerceiverDecoderOutput


@dataclass(frozen=True)
class OutputPoints:
    """Which points of an output array are asked for.

    Attributes:
        indices: whole numbers [num_points], or [batch, num_points] for each sample its own, into the flattened array;
            None for all.
        rule: how an index becomes a coordinate for Fourier queries, see `perceivers.nn.fourier`.
        index_dims: sizes of the output array; None for those that the decoder was built for.
    """

    indices: Tensor | None = None
    rule: str = "grid"
    index_dims: tuple[int, ...] | None = None

    def count(self, own_dims: Sequence[int]) -> int:
        """Number of points, where the decoder's own output array has sizes `own_dims`."""
        if self.indices is not None:
            return self.indices.shape[-1]
        return math.prod(self.index_dims or own_dims)

    def select(self, rows: slice | None, device: torch.device) -> Tensor | None:
        """Indices of the points in `rows` of this selection; None for every point of the array."""
        if self.indices is not None:
            chosen = self.indices if rows is None else self.indices[..., rows]
            return chosen.to(device)
        return None if rows is None else torch.arange(rows.start, rows.stop, device=device)


EVERYTHING = OutputPoints()


@dataclass(frozen=True)
class PointsByModality:
    """Which points of the output arrays of several modalities are asked for.

    Attributes:
        named: modality -> its points.
        others: the points of every modality that is not named.
    """

    named: Mapping[str, OutputPoints]
    others: OutputPoints = EVERYTHING

    def of(self, modality: str) -> OutputPoints:
        """The points of one modality."""
        return self.named.get(modality, self.others)


AskedFor = OutputPoints | PointsByModality


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


def ask_for(
    *,
    subsampled_output_points: Any = None,
    positions: Any = None,
    output_dims: Any = None,
    coordinate_rule: str = "grid",
) -> AskedFor:
    """Selections from what callers give, each a single value or a mapping from modality.

    Args:
        subsampled_output_points: flat indices whose coordinates follow the "subsampled" rule.
        positions: flat indices whose coordinates follow `coordinate_rule`, [num_points] or [batch, num_points].
        output_dims: sizes of the output array.
        coordinate_rule: of `positions`, and of arrays that are decoded whole.
    """
    if coordinate_rule not in COORDINATE_RULES:
        raise ShapeError(f"`coordinate_rule` must be one of {COORDINATE_RULES}, received {coordinate_rule!r}")
    if subsampled_output_points is not None and positions is not None:
        raise ShapeError("give `subsampled_output_points` or `positions`, not both: their coordinates differ")
    name = "positions" if positions is not None else "subsampled_output_points"
    indices = positions if positions is not None else subsampled_output_points

    def select(some: Any, dims: int | Sequence[int] | None) -> OutputPoints:
        is_subsampled = some is not None and subsampled_output_points is not None
        return _selection(name, some, "subsampled" if is_subsampled else coordinate_rule, dims)

    named = [each for each in (indices, output_dims) if isinstance(each, Mapping)]
    if not named:
        return select(indices, output_dims)
    modalities = {modality for mapping in named for modality in mapping}
    return PointsByModality(
        {modality: select(_of(indices, modality), _of(output_dims, modality)) for modality in modalities},
        others=OutputPoints(rule=coordinate_rule),
    )


def one_array(asked_for: AskedFor) -> OutputPoints:
    """What is asked of a decoder that has a single output array; ShapeError where points are given by modality."""
    if isinstance(asked_for, PointsByModality):
        raise ShapeError(
            f"output points by modality need a decoder of several modalities, received {sorted(asked_for.named)}"
        )
    return asked_for


def _selection(
    argument: str, indices: Any, rule: str, index_dims: int | Sequence[int] | None
) -> OutputPoints:
    dims = None if index_dims is None else sizes_of(index_dims)
    if indices is None:
        return OutputPoints(rule=rule, index_dims=dims)
    points = torch.as_tensor(indices)
    if points.numel() == 0:
        # An empty list has no dtype of its own.
        points = points.to(torch.int64)
    if points.is_floating_point() or points.dtype == torch.bool or points.ndim not in (1, 2):
        raise ShapeError(
            f"`{argument}` must be whole numbers [num_points] or [batch, num_points], "
            f"received {list(points.shape)} of {points.dtype}"
        )
    return OutputPoints(points, rule, dims)


def _of(values: Any, modality: str) -> Any:
    return values.get(modality) if isinstance(values, Mapping) else values


def sizes_of(index_dims: int | Sequence[int]) -> tuple[int, ...]:
    """Sizes of an array from its sizes, or from the number of rows alone."""
    return (index_dims,) if isinstance(index_dims, int) else tuple(index_dims)


def require_indices(indices: Tensor, index_dims: Sequence[int], batch_size: int) -> None:
    """ShapeError for indices of another batch, or outside an output array (not checked while a graph is captured)."""
    if indices.ndim == 2 and indices.shape[0] != batch_size:
        raise ShapeError(
            f"output points must be of shape [num_points] or [{batch_size}, num_points], received {list(indices.shape)}"
        )
    if torch.compiler.is_compiling() or indices.is_meta or indices.numel() == 0:
        return
    low, high = (int(bound) for bound in indices.aminmax())
    if low < 0 or high >= math.prod(index_dims):
        raise ShapeError(
            f"output points must be in [0, {math.prod(index_dims) - 1}] for an output array of {list(index_dims)}, "
            f"received indices from {low} to {high}"
        )


def gather_rows(values: Tensor, indices: Tensor) -> Tensor:
    """Rows of [batch, num_rows, channels] at indices [num_points], or [batch, num_points] for each sample its own."""
    if indices.ndim == 1:
        return values[:, indices]
    return values.gather(1, indices[..., None].expand(-1, -1, values.shape[-1]))
