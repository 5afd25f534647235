"""Fourier positions of a grid as one small table an axis: what they add to a product, and how they are put together.

A Fourier encoding of a point (y, x) is [y, x | sines of y, sines of x | cosines of y, cosines of x]: each channel depends on
one axis alone. So v . position(y, x) = A[y] + B[x] with A = v_y . table_y and B = v_x . table_x, and a weighted sum of
positions needs only the weights' sums along the other axes, row and column marginals: sum_{y,x} w[y,x] position(y, x) has the
channels of y from sum_y (sum_x w[y,x]) table_y[y]. The (rows * columns) x channels array is never built.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from perceivers.nn.fourier import axis_coordinates, fourier_features, indices_along_axes
from perceivers.nn.precision import wide
from perceivers.nn.token_structure import FourierPositions


@dataclass(frozen=True)
class AxisTables:
    """The tables of a grid's axes.

    Attributes:
        sizes: of the axes, slowest first.
        tables: for each axis [size, channels of that axis], in the working dtype.
        channels: for each axis the places of its channels in an encoded position, whole numbers.
    """

    sizes: tuple[int, ...]
    tables: tuple[Tensor, ...]
    channels: tuple[Tensor, ...]

    @classmethod
    def of(cls, positions: FourierPositions, dtype: torch.dtype, device: torch.device) -> AxisTables:
        """The tables of a whole grid, of the same float32 features that its encoding gives."""
        encoding = positions.encoding
        tables = []
        for size, resolution in zip(positions.index_dims, encoding.max_resolution, strict=True):
            coordinates = axis_coordinates(size, positions.rule, device)[:, None]
            features = fourier_features(
                coordinates, encoding.num_bands, (resolution,), encoding.concat_pos, encoding.sine_only
            )
            tables.append(features.to(dtype))
        channels = axis_channels(
            len(positions.index_dims), encoding.num_bands, encoding.concat_pos, encoding.sine_only
        )
        places = tuple(torch.tensor(each, device=device) for each in channels)
        return cls(positions.index_dims, tuple(tables), places)

    @property
    def num_rows(self) -> int:
        """Points of all axes but the last."""
        return math.prod(self.sizes[:-1])

    def products(self, vectors: Tensor) -> list[Tensor]:
        """What each axis adds to v . position, for each vector of [num_vectors, channels]: [num_vectors, size] an axis."""
        return [
            vectors[:, places] @ table.T.to(vectors.dtype)
            for places, table in zip(self.channels, self.tables, strict=True)
        ]

    def sums(self) -> tuple[list[Tensor], list[Tensor]]:
        """Sums, and sums of squares, of the channels of each axis: two lists of [size]."""
        tables = [wide(table) for table in self.tables]
        return [table.sum(1) for table in tables], [table.square().sum(1) for table in tables]

    def slow_indices(self, rows: slice) -> list[Tensor]:
        """For each axis but the last, the index of every row in `rows`."""
        flat = torch.arange(rows.start, rows.stop, device=self.tables[0].device)
        return indices_along_axes(flat, self.sizes[:-1])

    def along_rows(self, values: list[Tensor], rows: slice) -> Tensor:
        """The slow axes' values [..., size] added up for every row in `rows`: [..., number of rows]."""
        indices = self.slow_indices(rows)
        total = values[0][..., indices[0]]
        for value, index in zip(values[1:-1], indices[1:], strict=True):
            total = total + value[..., index]
        return total

    def combine(self, marginals: list[Tensor]) -> Tensor:
        """Weighted sums of positions from the weights' marginals, [..., size] an axis: [..., channels]."""
        of_axes = [marginal @ table for table, marginal in zip(self.tables, marginals, strict=True)]
        return torch.cat(of_axes, dim=-1)[..., torch.cat(self.channels).argsort()]

    def along_all_rows(self, values: list[Tensor]) -> Tensor:
        """The slow axes' values [..., size] added up for every row of the grid: [..., num_rows]."""
        total = values[0]
        for value in values[1:-1]:
            total = (total[..., None] + value[..., None, :]).flatten(-2)
        return total

    def of_slow_axes(self, rows: Tensor) -> list[Tensor]:
        """Sums over all axes but one of [..., num_rows], for each axis but the last: [..., size] an axis."""
        slow = self.sizes[:-1]
        if len(slow) == 1:
            return [rows]
        grid = rows.unflatten(-1, slow)
        first = grid.ndim - len(slow)
        axes = range(first, grid.ndim)
        return [grid.sum(dim=[other for other in axes if other != own]) for own in axes]


def axis_channels(num_axes: int, num_bands: int, concat_pos: bool, sine_only: bool) -> list[list[int]]:
    """For each axis, the places of its channels in `fourier_features`, in the order of one axis alone."""
    coordinates = num_axes if concat_pos else 0
    waves = 1 if sine_only else 2
    return [
        ([axis] if concat_pos else [])
        + [
            coordinates + (wave * num_axes + axis) * num_bands + band
            for wave in range(waves)
            for band in range(num_bands)
        ]
        for axis in range(num_axes)
    ]
