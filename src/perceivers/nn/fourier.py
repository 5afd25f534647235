"""Fourier position features, as pure functions: coordinates of a grid's points, and their sines and cosines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.turns import is_traced

# The two rules that turn an index i of an axis with n points into a coordinate in [-1, 1].
# "grid": linspace(-1, 1, n), both ends included. "subsampled": -1 + 2 i / n, which never reaches +1; both original
# implementations use it for subsampled output points, and the released multimodal checkpoint is decoded by it.
COORDINATE_RULES = ("grid", "subsampled")


def axis_coordinates(size: int, rule: str = "grid", device: torch.device | None = None) -> Tensor:
    """Coordinates of the `size` points of one axis, float32 [size], by one of COORDINATE_RULES."""
    if rule not in COORDINATE_RULES:
        raise ConfigurationError(f"`rule` must be one of {COORDINATE_RULES}, received {rule!r}")
    if rule == "subsampled":
        return -1 + 2 * torch.arange(size, device=device) / torch.tensor(size, device=device)
    if isinstance(size, torch.SymInt):
        return _linspace_of_unknown_size(size, device)
    return _evenly_spaced(-1.0, 1.0, size, device)


def _evenly_spaced(start: float, end: float, size: int, device: torch.device | None) -> Tensor:
    """torch.linspace as float32, to the last bit in an exported program, too.

    A program would compute it by another formula, which is off by a last bit here and there: at 800 half-periods that is
    1e-4 of a sine. Whatever traces is bound to its thread, so that another one still computes; the program has the numbers.
    """
    if not is_traced():
        return torch.linspace(start, end, size, dtype=torch.float32, device=device)
    with ThreadPoolExecutor(1) as other:
        numbers = other.submit(
            lambda: torch.linspace(start, end, size, dtype=torch.float32).tolist()
        ).result()
    return torch.tensor(numbers, dtype=torch.float32, device=device)


def _linspace_of_unknown_size(size: int, device: torch.device | None) -> Tensor:
    """torch.linspace(-1, 1, size), to the last bit, where a program is exported for any size: it would fix its own."""
    steps = torch.arange(size, dtype=torch.float32, device=device)
    # The last step, and never 0: of one point, which lies at the start.
    step = 2.0 / steps[-1:].clamp(min=1.0)
    from_start = torch.addcmul(torch.full((), -1.0, device=device), step, steps)
    from_end = torch.addcmul(torch.full((), 1.0, device=device), -step, size - 1 - steps)
    return torch.where((steps < size // 2) | (steps == 0), from_start, from_end)


def grid_coordinates(
    index_dims: Sequence[int], rule: str = "grid", device: torch.device | None = None
) -> Tensor:
    """Coordinates of every point of a grid, last axis fastest, float32 [prod(index_dims), num_axes]."""
    axes = [axis_coordinates(size, rule, device) for size in index_dims]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)


def point_coordinates(indices: Tensor, index_dims: Sequence[int], rule: str = "grid") -> Tensor:
    """Coordinates of some points of a grid.

    Args:
        indices: whole numbers [...], positions in the flattened grid.
        index_dims: the grid's sizes, slowest axis first.
        rule: one of COORDINATE_RULES.

    Returns:
        float32 [..., num_axes].
    """
    columns = [
        axis_coordinates(size, rule, indices.device)[along]
        for size, along in zip(index_dims, indices_along_axes(indices, index_dims), strict=True)
    ]
    return torch.stack(columns, dim=-1)


def indices_along_axes(indices: Tensor, index_dims: Sequence[int]) -> list[Tensor]:
    """The index along each axis, of some points of a grid.

    Args:
        indices: whole numbers [...], positions in the flattened grid.
        index_dims: the grid's sizes, slowest axis first.

    Returns:
        for each axis whole numbers [...].
    """
    found = []
    for size in reversed(index_dims):
        rest = indices.div(size, rounding_mode="floor")
        # No `%`: ONNX has no remainder by a size that is unknown while a program is exported.
        found.append(indices - rest * size)
        indices = rest
    return found[::-1]


def fourier_features(
    positions: Tensor,
    num_bands: int,
    max_resolution: Sequence[int],
    concat_pos: bool = True,
    sine_only: bool = False,
) -> Tensor:
    """Sines and cosines of positions at `num_bands` frequencies an axis (Perceiver, section 3.2 and appendix D).

    Frequencies are `linspace(1, max_resolution / 2, num_bands)`, in half-periods over [-1, 1].

    Args:
        positions: [..., num_axes], in [-1, 1].
        num_bands: frequencies for each axis.
        max_resolution: one number an axis; half of it is the highest frequency.
        concat_pos: put the positions themselves in front.
        sine_only: leave the cosines out.

    Returns:
        float32 [..., fourier_size(...)]: positions, then sines of every axis, then cosines of every axis.

    Raises:
        ShapeError: `max_resolution` and `positions` have different numbers of axes.
    """
    if positions.shape[-1] != len(max_resolution):
        raise ShapeError(
            f"`pos` must have {len(max_resolution)} coordinates a point (one for each entry of `max_resolution`), "
            f"received {list(positions.shape)}"
        )
    # Float32 whatever the model's dtype: at 15,360 half-periods a bfloat16 phase is noise.
    positions = positions.to(torch.float32)
    frequencies = torch.stack(
        [_evenly_spaced(1.0, resolution / 2, num_bands, positions.device) for resolution in max_resolution]
    )
    phases = math.pi * (positions[..., None] * frequencies).flatten(-2)
    parts = [torch.sin(phases)] if sine_only else [torch.sin(phases), torch.cos(phases)]
    return torch.cat([positions, *parts] if concat_pos else parts, dim=-1)


def grid_fourier_features(
    index_dims: Sequence[int],
    num_bands: int,
    max_resolution: Sequence[int],
    concat_pos: bool = True,
    sine_only: bool = False,
    rule: str = "grid",
    device: torch.device | None = None,
) -> Tensor:
    """`fourier_features` of every point of a grid, to the last bit, from one small table an axis.

    A point's sines and cosines along an axis depend on its coordinate there alone, so an axis of n points needs n of them,
    not one for each point of the grid; laying them out is a copy.

    Args:
        index_dims: the grid's sizes, slowest axis first.
        num_bands: see `fourier_features`.
        max_resolution: see `fourier_features`; one number an axis of the grid.
        concat_pos: see `fourier_features`.
        sine_only: see `fourier_features`.
        rule: one of COORDINATE_RULES.
        device: where the result lies.

    Returns:
        float32 [prod(index_dims), fourier_size(...)].
    """
    if len(index_dims) != len(max_resolution):
        raise ShapeError(
            f"`index_dims` must have {len(max_resolution)} sizes (one for each entry of `max_resolution`), "
            f"received {list(index_dims)}"
        )
    parts: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
    for axis, (size, resolution) in enumerate(zip(index_dims, max_resolution, strict=True)):
        coordinates = axis_coordinates(size, rule, device)[:, None]
        table = fourier_features(coordinates, num_bands, (resolution,), True, sine_only)
        shape = [1] * len(index_dims)
        shape[axis] = size
        laid_out = table.view(*shape, -1).expand(*index_dims, -1)
        widths = (1, num_bands) if sine_only else (1, num_bands, num_bands)
        for part, columns in zip(parts, laid_out.split(widths, dim=-1), strict=False):
            part.append(columns)
    positions, sines, cosines = parts
    chosen = [*(positions if concat_pos else []), *sines, *cosines]
    return torch.cat(chosen, dim=-1).flatten(0, -2)


def fourier_size(num_axes: int, num_bands: int, concat_pos: bool = True, sine_only: bool = False) -> int:
    """Channels of `fourier_features`."""
    return num_axes * num_bands * (1 if sine_only else 2) + (num_axes if concat_pos else 0)
