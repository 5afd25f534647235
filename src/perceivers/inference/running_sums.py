"""Logits of constant queries on a tile of structured tokens, and what is summed up over tiles with their weights.

A tile's logits are its largest array, [queries, tokens], and every pass over it counts. So whatever belongs to a token is
multiplied by rs, the factor of its norm, beforehand, and stands in one row of a narrow array of columns,

    [rs mean | rs u | rs (one for each row of the grid) | 1]

whose product with [q~_u | what each row of the grid adds | minus the largest logit] gives the logits but for what the
columns of the grid, or a table, add; and whose product with the weights gives their sums, and their total, at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.inference.structured_tokens import Products, StructuredTokens, Sums, Tile

#: More rows of a grid in a tile are cheaper added to the logits than multiplied out beside the values.
FEW_ROWS = 16


class ReadTile:
    """What is read of the tokens of a tile, for a group of samples.

    Args:
        part: the tokens.
        tile: which of them.
        inputs: the samples, among all.
        group: the samples, among those whose sums are kept.
    """

    def __init__(self, part: StructuredTokens, tile: Tile, inputs: slice, group: slice) -> None:
        self.tile = tile
        self.group = group
        self.num_samples = inputs.stop - inputs.start
        values, rows = part.values(tile, inputs), part.table_rows(tile, inputs)
        mean, scale = part.statistics(tile, values, rows)
        #: Whether each row of the grid has a column of its own.
        self.has_few_rows = part.axes is not None and tile.shape[0] <= FEW_ROWS
        #: rs, [1 or samples, tokens of the tile].
        self.scale = scale.expand(-1, tile.num_tokens)
        #: Rows of the position table times rs, [1 or samples, tokens, channels].
        self.rows = None if rows is None else rows * self.scale[..., None]
        #: See above, [1 or samples, columns, tokens].
        self.columns = self._columns(values, mean.expand(-1, tile.num_tokens))

    def _columns(self, values: Tensor | None, mean: Tensor) -> Tensor:
        scale = self.scale[:, None]
        own = [mean[:, None] * scale]
        if values is not None:
            own.append(values.transpose(1, 2) * scale)
        # rs alone where the rows of the grid have no columns.
        own += [on_rows_of_grid(self.tile, scale) if self.has_few_rows else scale, torch.ones_like(scale)]
        samples = max(each.shape[0] for each in own)
        return torch.cat([each.expand(samples, -1, -1) for each in own], dim=1)


def on_rows_of_grid(tile: Tile, values: Tensor) -> Tensor:
    """Values [..., 1, tokens] where a token lies on a row of the grid, and zero elsewhere: [..., rows, tokens]."""
    num_rows, row_length = tile.shape
    on_rows = torch.eye(num_rows, dtype=values.dtype, device=values.device)
    return on_rows.repeat_interleave(row_length, dim=1) * values


class RunningSums:
    """Sums over the tiles of one part, weighted by exp(logit - running largest).

    Args:
        part: the tokens.
        products: of the queries with what its tokens are made of.
        num_queries: how many these are.
        num_samples: samples whose sums are kept.
    """

    def __init__(
        self, part: StructuredTokens, products: Products, num_queries: int, num_samples: int
    ) -> None:
        self.part = part
        self.products = products
        self._num_queries = num_queries

        def zeros(channels: int) -> Tensor:
            return torch.zeros(num_samples, num_queries, channels, dtype=part.dtype, device=part.device)

        # Beside the values: the mean, and one (for the sum of the weights).
        self._mean, self._values, self._total = zeros(1), zeros(part.value_channels), zeros(1)
        self._table = zeros(part.table_channels)
        self._axes = [zeros(size) for size in part.axes.sizes] if part.axes else []

    def shared_logits(self, tile: Tile) -> Tensor | None:
        """Logits of positions, the same for every sample, [num_queries, tokens]; None where they are cheap to repeat."""
        positions = self.part.structure.positions
        if self.products.table is None or positions is None:
            return None
        if positions.indices is not None and positions.indices.ndim == 2:
            return None
        rows = self.part.table_rows(tile, slice(0, 1))
        assert rows is not None
        return self.products.table @ rows[0].T

    def logits(self, read: ReadTile, shared: Tensor | None, largest: Tensor) -> Tensor:
        """Logits minus `largest`, [samples, num_queries, tokens].

        Args:
            read: the tile.
            shared: what `shared_logits` gave.
            largest: whole numbers [samples, num_queries]: no precision of a product rounds them.
        """
        logits = largest.new_empty(read.num_samples, self._num_queries, read.tile.num_tokens)
        is_set = self._of_positions(read, shared, logits)
        of_rows = self.products.constant[:, None]
        if read.has_few_rows and self.part.axes is not None:
            of_rows = of_rows + self.part.axes.along_rows(self.products.axes, read.tile.rows)
        own = [] if self.products.values is None else [self.products.values]
        vectors = torch.cat([*own, of_rows], dim=1).expand(read.num_samples, -1, -1)
        vectors = torch.cat([vectors, -largest[..., None]], dim=2)
        _add_products(logits, vectors, read.columns[:, 1:], beta=1 if is_set else 0)
        return logits

    def _of_positions(self, read: ReadTile, shared: Tensor | None, logits: Tensor) -> bool:
        """Set logits to what positions add that have no columns of their own; False where there is nothing to add."""
        axes, scale = self.part.axes, read.scale[:, None]
        if axes is not None:
            grid, scale = logits.unflatten(2, read.tile.shape), scale.unflatten(2, read.tile.shape)
            of_columns = self.products.axes[-1][:, None, read.tile.columns].expand(grid.shape)
            if read.has_few_rows:
                torch.mul(of_columns, scale, out=grid)
            else:
                of_rows = axes.along_rows(self.products.axes, read.tile.rows)
                torch.add(of_rows[:, :, None].expand(grid.shape), of_columns, out=grid).mul_(scale)
        elif shared is not None:
            torch.mul(shared.expand(logits.shape), scale, out=logits)
        elif read.rows is not None and self.products.table is not None:
            table = self.products.table.expand(read.num_samples, -1, -1)
            _add_products(logits, table, read.rows.transpose(1, 2), beta=0)
        else:
            return False
        return True

    def weighted(self, weights: Tensor, read: ReadTile) -> Tensor:
        """The tile's columns, weighted: [samples, num_queries, columns], the last of which is the weights' total."""
        return _weighted_sums(weights, read.columns)

    def add(self, weights: Tensor, columns: Tensor, read: ReadTile) -> None:
        """Add a tile's sums.

        Args:
            weights: exp(logit - running largest), [samples, num_queries, tokens]; destroyed.
            columns: what `weighted` gave.
            read: the tile.
        """
        group = read.group
        mean, values, of_rows, _ = columns.split(
            [1, self.part.value_channels, columns.shape[2] - self.part.value_channels - 2, 1], dim=2
        )
        self._mean[group] += mean
        self._values[group] += values
        self._total[group] += of_rows.sum(dim=2, keepdim=True)
        if read.rows is not None:
            self._table[group] += _weighted_sums(weights, read.rows.transpose(1, 2))
        if self.part.axes is None:
            return
        grid, scale = weights.unflatten(2, read.tile.shape), read.scale[:, None].unflatten(2, read.tile.shape)
        of_columns = self._axes[-1][group, :, read.tile.columns]
        if read.has_few_rows:
            for row in range(read.tile.shape[0]):
                of_columns.addcmul_(grid[:, :, row], scale[:, :, row])
        else:
            grid.mul_(scale)
            of_columns += grid.sum(dim=2)
            of_rows = grid.sum(dim=3)
        for sums, index in zip(self._axes[:-1], self.part.axes.slow_indices(read.tile.rows), strict=True):
            sums[group].index_add_(2, index, of_rows)

    def rescale(self, factor: Tensor, group: slice) -> None:
        """Multiply all sums of a group of samples by [samples, num_queries]."""
        for sums in (self._mean, self._values, self._total, self._table, *self._axes):
            sums[group] *= factor[..., None]

    def context(self) -> Tensor:
        """The sum of w x minus that of w mean, [samples, num_queries, channels]."""
        sums = Sums(
            self._values if self.part.structure.features is not None else None,
            self._axes,
            self._table if self.part.has_table else None,
            self._total,
        )
        return self.part.combine(sums) - self._mean


def _add_products(logits: Tensor, vectors: Tensor, columns: Tensor, beta: int) -> None:
    """Set logits to beta logits + vectors @ columns, sample by sample; `columns` may have one sample for all."""
    if logits.shape[0] == 1:
        logits[0].addmm_(vectors[0], columns[0], beta=beta)
        return
    logits.baddbmm_(vectors, columns.expand(len(logits), -1, -1), beta=beta)


def _weighted_sums(weights: Tensor, columns: Tensor) -> Tensor:
    """sums[b, n, c] = sum_m weights[b, n, m] columns[b, c, m], where `columns` may have one sample for all."""
    if weights.shape[0] == 1:
        # Few columns by many: several times faster this way round.
        return (columns[0] @ weights[0].T).T[None]
    if columns.shape[0] == 1:
        return weights @ columns[0].T
    return (columns @ weights.transpose(1, 2)).transpose(1, 2)
