"""Tokens read a tile at a time from their structure: products with vectors, norm statistics, weighted sums, never all tokens.

A token is x = [E u + e | position | padding] with disjoint channels: u depends on the input, E and e are constant. So, for a
constant vector v = [v_f | v_p | v_c]:

    v . x     = (v_f E) . u + v_p . position + (v_f . e + v_c . padding)
    sum(x)    = (1 E) . u + sum(position) + (sum(e) + sum(padding))
    |x|^2     = u^T (E^T E) u + 2 (e E) . u + |position|^2 + (|e|^2 + |padding|^2)

and the LayerNorm's mean and 1 / sqrt(variance + eps) follow from the last two, each a sum of what is constant and what little
depends on the input.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.inference.budget import pieces
from perceivers.inference.folding import wide
from perceivers.inference.separable_positions import AxisTables
from perceivers.inference.tracing import is_traced, tile_rows
from perceivers.nn.token_structure import AffineMap, FourierPositions, TablePositions, TokenStructure

# A separable grid keeps sums over each axis. They must stay far smaller than the tokens themselves.
_LARGEST_SHARE_OF_AXES = 0.5


@dataclass(frozen=True)
class Tile:
    """Some consecutive tokens: whole rows of a grid, or a part of one row.

    Attributes:
        rows: of the grid whose last axis has the columns.
        columns: likewise; all of them unless `rows` is a single one.
        tokens: their places among all tokens.
    """

    rows: slice
    columns: slice
    tokens: slice

    @property
    def num_tokens(self) -> int:
        """Number of tokens."""
        return self.tokens.stop - self.tokens.start

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


@dataclass(frozen=True)
class Products:
    """Products of constant vectors with the groups of channels of tokens; [num_vectors, ...] each.

    Attributes:
        values: with the values u, [num_vectors, in_channels]; None without features.
        axes: with each axis's table, [num_vectors, size]; empty where positions are not separable.
        table: with the rows of a position table, [num_vectors, table_channels]; None without one.
        constant: with everything that is the same for all tokens, [num_vectors].
    """

    values: Tensor | None
    axes: list[Tensor]
    table: Tensor | None
    constant: Tensor


@dataclass(frozen=True)
class Sums:
    """Weighted sums of the groups of channels of tokens; [..., channels of the group] each.

    Attributes:
        values: of the values u; None without features.
        axes: of the weights along each axis, [..., size].
        table: of the rows of a position table; None without one.
        total: of the weights themselves, [..., 1].
    """

    values: Tensor | None
    axes: list[Tensor]
    table: Tensor | None
    total: Tensor


class StructuredTokens:
    """Reads tokens of some structure.

    Args:
        structure: what the tokens consist of.
        eps: of the LayerNorm that follows.
        dtype: that everything is computed in.
        device: where.
        table_sums: sum and sum of squares of the channels of each position of a projected table, [num_points] each, where
            they are known already.
    """

    def __init__(
        self,
        structure: TokenStructure,
        eps: float,
        dtype: torch.dtype,
        device: torch.device,
        table_sums: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self.structure = structure
        self.eps = eps
        self.dtype = dtype
        self.device = device
        self.num_tokens = structure.num_tokens
        self.num_channels = structure.num_channels
        self.axes = _separable_axes(structure, dtype, device)
        self.row_length = self.axes.sizes[-1] if self.axes else self.num_tokens
        self._table_sums = table_sums
        self._axis_sums = None if self.axes is None else self.axes.sums()
        mapped = structure.feature_map
        # A map to fewer channels is applied to every tile; one to more channels goes into the constant vectors.
        self._applies_map = mapped is not None and mapped.weight.shape[0] < mapped.weight.shape[1]
        self._map = None if mapped is None else _wide(mapped)
        absorbed = self._map is not None and not self._applies_map
        self._absorbed = self._map if absorbed else None
        self._narrow_map = None if mapped is None else _cast(mapped, dtype)
        self._quadratic = _quadratic_form(self._absorbed, dtype) if self._absorbed else None
        padding = structure.padding
        self._padding = None if padding is None else wide(padding)
        self._constant_sums = _constant_sums(self._padding, self._absorbed)

    @property
    def has_table(self) -> bool:
        """Whether positions are read row by row."""
        return self.structure.positions is not None and self.axes is None

    @property
    def value_channels(self) -> int:
        """Channels of the values that products and sums are taken with."""
        if self.structure.features is None:
            return 0
        return self.structure.feature_channels if self._applies_map else self.structure.features.shape[-1]

    @property
    def table_channels(self) -> int:
        """Channels of a row of the position table; 0 without one."""
        positions = self.structure.positions
        if not self.has_table or positions is None:
            return 0
        return positions.table.shape[1] if isinstance(positions, TablePositions) else positions.num_channels

    def tiles(self, size: int) -> Iterator[Tile]:
        """Tiles of at most `size` tokens that cover all of them in order."""
        length = self.row_length
        num_rows = self.num_tokens // max(length, 1)
        if size >= length:
            for rows in pieces(num_rows, size // max(length, 1)):
                yield Tile(rows, slice(0, length), slice(rows.start * length, rows.stop * length))
            return
        for row in range(num_rows):
            for columns in pieces(length, size):
                first = row * length
                yield Tile(slice(row, row + 1), columns, slice(first + columns.start, first + columns.stop))

    def values(self, tile: Tile, samples: slice) -> Tensor | None:
        """[samples, tokens of the tile, value_channels]; None without features."""
        features = self.structure.features
        if features is None:
            return None
        some = features[samples, tile.tokens].to(self.dtype)
        return _apply(self._narrow_map, some) if self._applies_map and self._narrow_map else some

    def table_rows(self, tile: Tile, samples: slice) -> Tensor | None:
        """Rows of the position table, [1 or samples, tokens of the tile, table_channels]; None without one."""
        if not self.has_table:
            return None
        positions = self.structure.positions
        indices = positions.indices if positions is not None else None
        some = indices if indices is None or indices.ndim == 1 else indices[samples]
        if isinstance(positions, TablePositions):
            rows = positions.table[tile.tokens] if some is None else positions.table[some[..., tile.tokens]]
        else:
            assert positions is not None
            if some is None:
                some = torch.arange(tile.tokens.start, tile.tokens.stop, device=self.device)
            else:
                some = some[..., tile.tokens]
            rows = positions.encoding.at(some, positions.index_dims, positions.rule)
        rows = rows.to(self.dtype)
        return rows if rows.ndim == 3 else rows[None]

    def statistics(self, tile: Tile, values: Tensor | None, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean over channels, and 1 / sqrt(variance + eps), of each token: two of [1 or samples, tokens of the tile].

        Args:
            tile: which tokens.
            values: what `values` gave.
            rows: what `table_rows` gave.
        """
        if values is not None and self.structure.positions is None and self._padding is None:
            tokens = values if self._absorbed is None else _apply(self._narrow_map, values)
            variance, mean = torch.var_mean(tokens, dim=-1, correction=0)
            return mean, torch.rsqrt(variance + self.eps)
        sums, squares = self._position_sums(tile, rows)
        sums, squares = sums + self._constant_sums[0], squares + self._constant_sums[1]
        if values is not None:
            own = self._value_sums(values)
            sums, squares = sums + own[0], squares + own[1]
        mean = sums / self.num_channels
        variance = (squares / self.num_channels - mean * mean).clamp(min=0)
        return mean.to(self.dtype), torch.rsqrt(variance + self.eps).to(self.dtype)

    def products(self, vectors: Tensor) -> Products:
        """Products of vectors [num_vectors, num_channels] with what tokens are made of, in the working dtype."""
        structure = self.structure
        padding_channels = 0 if self._padding is None else self._padding.shape[0]
        sizes = [structure.feature_channels, structure.position_channels, padding_channels]
        of_features, of_positions, of_padding = vectors.split(sizes, dim=1)
        constant = vectors.new_zeros(vectors.shape[0])
        if self._padding is not None:
            constant = constant + of_padding @ self._padding.to(vectors.dtype)
        values: Tensor | None = None
        if structure.features is not None:
            values = of_features
            if self._absorbed is not None:
                values = of_features @ self._absorbed.weight.to(vectors.dtype)
                constant = constant + of_features @ _bias(self._absorbed).to(vectors.dtype)
        axes = [] if self.axes is None else [each.to(self.dtype) for each in self.axes.products(of_positions)]
        table: Tensor | None = None
        if self.has_table:
            table = of_positions
            projection = _projection(structure)
            if projection is not None:
                table = of_positions @ projection.weight.to(vectors.dtype)
                constant = constant + of_positions @ _bias(projection).to(vectors.dtype)
        return Products(
            None if values is None else values.to(self.dtype).contiguous(),
            axes,
            None if table is None else table.to(self.dtype).contiguous(),
            constant.to(self.dtype),
        )

    def combine(self, sums: Sums) -> Tensor:
        """Weighted sums of whole tokens, [..., num_channels], from those of their parts."""
        groups = []
        if sums.values is not None:
            absorbed = self._absorbed is not None and self._narrow_map is not None
            groups.append(
                _weighted(self._narrow_map, sums.values, sums.total)
                if absorbed and self._narrow_map
                else sums.values
            )
        if self.axes is not None:
            groups.append(self.axes.combine(sums.axes))
        elif sums.table is not None:
            projection = _projection(self.structure)
            groups.append(
                sums.table
                if projection is None
                else _weighted(_cast(projection, self.dtype), sums.table, sums.total)
            )
        if self._padding is not None:
            groups.append(sums.total * self._padding.to(self.dtype))
        return torch.cat(groups, dim=-1)

    def tokens(self, tile: Tile, samples: slice) -> Tensor:
        """The tokens of a tile, laid out: [1 or samples, tokens of the tile, num_channels]."""
        groups = []
        values = self.values(tile, samples)
        if values is not None:
            absorbed = self._absorbed is not None
            groups.append(_apply(self._narrow_map, values) if absorbed else values)
        rows = self.table_rows(tile, samples)
        if self.axes is not None:
            encoded = self._grid_rows(tile)
            groups.append(encoded)
        elif rows is not None:
            projection = _projection(self.structure)
            groups.append(rows if projection is None else _apply(_cast(projection, self.dtype), rows))
        if self._padding is not None:
            groups.append(self._padding.to(self.dtype).expand(1, tile.num_tokens, -1))
        batch = max(each.shape[0] for each in groups)
        return torch.cat([each.expand(batch, -1, -1) for each in groups], dim=-1)

    def _along_rows(self, values: list[Tensor], tile: Tile) -> Tensor:
        """See AxisTables; a graph reads all rows at once, whose number may be free: no index can be divided by it."""
        assert self.axes is not None
        return self.axes.along_all_rows(values) if is_traced() else self.axes.along_rows(values, tile.rows)

    def _grid_rows(self, tile: Tile) -> Tensor:
        positions = self.structure.positions
        assert isinstance(positions, FourierPositions)
        if is_traced():
            return positions.encoding.grid(positions.index_dims, positions.rule, self.device).to(self.dtype)[
                None
            ]
        indices = torch.arange(tile.tokens.start, tile.tokens.stop, device=self.device)
        return positions.encoding.at(indices, positions.index_dims, positions.rule).to(self.dtype)[None]

    def _position_sums(self, tile: Tile, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """Sum, and sum of squares, of the positions' channels: [1 or samples, tokens of the tile] or numbers."""
        if self.axes is not None and self._axis_sums is not None:
            sums, squares = (
                (self._along_rows(each, tile)[:, None] + each[-1][tile.columns]).reshape(1, -1)
                for each in self._axis_sums
            )
            return sums, squares
        if rows is None:
            zero = torch.zeros((), device=self.device)
            return zero.expand(1, 1), zero.expand(1, 1)
        if self._table_sums is not None:
            positions = self.structure.positions
            assert positions is not None
            if positions.indices is None:
                return self._table_sums[0][tile.tokens][None], self._table_sums[1][tile.tokens][None]
        projection = _projection(self.structure)
        encoded = rows if projection is None else _apply(_cast(projection, self.dtype), rows)
        return encoded.sum(-1), encoded.square().sum(-1)

    def _value_sums(self, values: Tensor) -> tuple[Tensor, Tensor]:
        if self._quadratic is None:
            return values.sum(-1), values.square().sum(-1)
        totals, linear, gram = self._quadratic
        if is_traced():
            return values @ totals, _traced_squares(values, linear, gram)
        return values @ totals, ((values @ gram + linear) * values).sum(-1)


def table_sums(positions: TablePositions, dtype: torch.dtype, rows_at_a_time: int) -> tuple[Tensor, Tensor]:
    """Sum, and sum of squares, of the channels of every position of a table, after its projection: [num_points] each."""
    table, projection = positions.table, positions.projection
    sums, squares = [], []
    for rows in pieces(table.shape[0], rows_at_a_time):
        encoded = wide(table[rows])
        if projection is not None:
            encoded = _apply(_wide(projection), encoded)
        sums.append(encoded.sum(-1))
        squares.append(encoded.square().sum(-1))
    return torch.cat(sums), torch.cat(squares)


def _separable_axes(structure: TokenStructure, dtype: torch.dtype, device: torch.device) -> AxisTables | None:
    """The axes of a whole grid of Fourier positions, where summing along them saves anything."""
    positions = structure.positions
    if not isinstance(positions, FourierPositions) or positions.indices is not None:
        return None
    sizes = positions.index_dims
    if len(sizes) < 2 or sum(sizes) > _LARGEST_SHARE_OF_AXES * math.prod(sizes):
        return None
    return AxisTables.of(positions, dtype, device)


def _projection(structure: TokenStructure) -> AffineMap | None:
    return getattr(structure.positions, "projection", None)


def _bias(mapped: AffineMap) -> Tensor:
    return mapped.weight.new_zeros(mapped.weight.shape[0]) if mapped.bias is None else mapped.bias


def _wide(mapped: AffineMap) -> AffineMap:
    return AffineMap(wide(mapped.weight), wide(_bias(mapped)))


def _cast(mapped: AffineMap, dtype: torch.dtype) -> AffineMap:
    return AffineMap(mapped.weight.to(dtype), None if mapped.bias is None else mapped.bias.to(dtype))


def _apply(mapped: AffineMap | None, values: Tensor) -> Tensor:
    return values if mapped is None else F.linear(values, mapped.weight, mapped.bias)


def _weighted(mapped: AffineMap, sums: Tensor, total: Tensor) -> Tensor:
    """The sum of w (E u + e): E (sum of w u) + (sum of w) e."""
    mapped_sums = F.linear(sums, mapped.weight)
    return mapped_sums if mapped.bias is None else mapped_sums + total * mapped.bias


def _traced_squares(values: Tensor, linear: Tensor, gram: Tensor) -> Tensor:
    """u^T gram u + linear . u of each token, some channels at a time: a file's program would hold all products at once."""
    at_once = tile_rows(values.shape[-1], values.shape[1]) or values.shape[-1]
    found = [
        ((values @ gram[:, first : first + at_once] + some) * values[..., first : first + at_once]).sum(-1)
        for first, some in zip(range(0, values.shape[-1], at_once), linear.split(at_once), strict=True)
    ]
    return torch.stack(found).sum(dim=0) if len(found) > 1 else found[0]


def _quadratic_form(mapped: AffineMap, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """sum(E u) = totals . u, and |E u + e|^2 - |e|^2 = u^T gram u + linear . u."""
    weight, bias = mapped.weight, _bias(mapped)
    return weight.sum(0).to(dtype), (2 * bias @ weight).to(dtype), (weight.T @ weight).to(dtype)


def _constant_sums(
    padding: Tensor | None, absorbed: AffineMap | None
) -> tuple[Tensor | float, Tensor | float]:
    parts = [each for each in (padding, None if absorbed is None else _bias(absorbed)) if each is not None]
    if is_traced():
        return sum(each.sum() for each in parts), sum(each.square().sum() for each in parts)
    return sum(float(each.sum()) for each in parts), sum(float(each.square().sum()) for each in parts)
