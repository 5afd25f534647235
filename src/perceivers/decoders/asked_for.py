"""Which outputs a decoder is asked for: points of one array, or of the arrays of several modalities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import ShapeError
from perceivers.nn.fourier import COORDINATE_RULES


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
    others: OutputPoints

    def of(self, modality: str) -> OutputPoints:
        """The points of one modality."""
        return self.named.get(modality, self.others)


AskedFor = OutputPoints | PointsByModality


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
