"""`absorbed_attention` as a graph that runs elsewhere: the same sums, tile by tile, without a decision by the data.

Each part of the tokens gives, for every query, its largest logit, the sum of the weights, and the weighted sums of what
tokens are made of; parts, like tiles, are joined as the online softmax joins them. What a token has for itself stands side by
side in one row, [values | rows of the position table | mean | 1], so that logits and sums cost one product each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from perceivers.inference.structured_tokens import Products, StructuredTokens, Sums, Tile
from perceivers.inference.tracing import expanded, padded_tiles, scan_tiles, tile_rows

_MASKED = -1e30


@dataclass(frozen=True)
class PartialSums:
    """What a part of the tokens adds to the softmax and to the context.

    Attributes:
        largest: logit of each query, [batch, num_queries].
        total: of exp(logit - largest), likewise.
        context: the same weights times normalised tokens, [batch, num_queries, channels].
    """

    largest: Tensor
    total: Tensor
    context: Tensor

    def joined(self, other: PartialSums) -> PartialSums:
        """Those of both parts."""
        largest = torch.maximum(self.largest, other.largest)
        mine, its = (self.largest - largest).exp(), (other.largest - largest).exp()
        return PartialSums(
            largest,
            self.total * mine + other.total * its,
            self.context * mine[..., None] + other.context * its[..., None],
        )


def attend_traced(
    parts: Sequence[StructuredTokens], queries: Tensor, batch_size: int, mask: Tensor | None
) -> Tensor:
    """Softmax-weighted means of normalised tokens; see `absorbed_attention.attend`."""
    found, first = [], 0
    for part in parts:
        some = None if mask is None else mask[:, first : first + part.num_tokens]
        found.append(_sums_of(_ReadPart(part, queries, batch_size), some))
        first = first + part.num_tokens
    sums = reduce(PartialSums.joined, found)
    return sums.context / sums.total[..., None]


class _ReadPart:
    """One part of the tokens, read whole: what depends on the inputs is no larger than these.

    Args:
        part: the tokens.
        queries: [num_queries, channels].
        batch_size: number of samples.
    """

    def __init__(self, part: StructuredTokens, queries: Tensor, batch_size: int) -> None:
        self.part = part
        self.batch_size = batch_size
        self.num_queries = queries.shape[0]
        whole, everyone = whole_tile(part), slice(None)
        values, rows = part.values(whole, everyone), part.table_rows(whole, everyone)
        mean, scale = part.statistics(whole, values, rows)
        length = part.num_tokens
        own = [each for each in (values, rows) if each is not None]
        own += [mean[..., None], torch.ones_like(scale)[..., None]]
        shared = all(each.shape[0] == 1 for each in own)
        self.samples = 1 if shared else batch_size
        #: What stands side by side in a row, [1 or batch, num_tokens, channels] each.
        self.pieces = [expanded(each, self.samples, length) for each in own]
        self.width = sum(each.shape[-1] for each in own)
        #: [1 or batch, num_tokens].
        self.scale = scale.expand(-1, length)
        products = part.products(queries)
        self.products = products
        #: What the queries multiply a row with, [num_queries, channels of a row].
        self.vectors = _vectors(products, queries)
        self.num_rows, self.row_length = grid_of(part)

    @property
    def along_rows(self) -> Tensor:
        """[num_queries, num_rows]: what the slow axes of the grid add to a logit."""
        assert self.part.axes is not None
        return self.part.axes.along_all_rows(self.products.axes)

    def context(self, sums: Tensor, axes: list[Tensor]) -> Tensor:
        """The sum of w x minus that of w mean, from the weighted sums of rows [batch, num_queries, channels of a row]."""
        part = self.part
        values, table, mean, total = sums.split([part.value_channels, part.table_channels, 1, 1], dim=-1)
        found = Sums(
            values if part.structure.features is not None else None,
            axes,
            table if part.has_table else None,
            total,
        )
        return part.combine(found) - mean


def _sums_of(read: _ReadPart, mask: Tensor | None) -> PartialSums:
    width = read.num_queries * read.row_length
    rows = tile_rows(read.num_rows, width)
    return _at_once(read, mask) if rows is None else _in_tiles(read, mask, rows)


def _at_once(read: _ReadPart, mask: Tensor | None) -> PartialSums:
    axes = read.part.axes
    columns = torch.cat(read.pieces, dim=-1)
    logits = (columns @ read.vectors.T).transpose(1, 2)
    shape = (-1, read.num_queries, read.num_rows, read.row_length)
    if axes is not None:
        on_grid = logits.reshape(shape) + read.along_rows[..., None] + read.products.axes[-1][:, None]
        logits = on_grid.flatten(2)
    logits = (logits * read.scale[:, None]).expand(read.batch_size, -1, -1)
    if mask is not None:
        logits = torch.where(mask[:, None], logits, _MASKED)
    largest = logits.amax(dim=-1)
    weights = (logits - largest[..., None]).exp()
    total = weights.sum(dim=-1)
    weights = weights * read.scale[:, None]
    marginals: list[Tensor] = []
    if axes is not None:
        on_grid = weights.reshape(shape)
        marginals = [*axes.of_slow_axes(on_grid.sum(dim=3)), on_grid.sum(dim=2)]
    return PartialSums(largest, total, read.context(weights @ columns, marginals))


def _in_tiles(read: _ReadPart, mask: Tensor | None, rows: int) -> PartialSums:
    """The same with an online softmax.

    What a tile's rows add to a logit goes through the product with the tokens, as channels of their own that are 1 in their
    row: so do the sums of the weights of each row. Every pass over a tile that this saves counts in programs that fuse none.
    """
    axes, length, batch = read.part.axes, read.row_length, read.batch_size
    queries, num_rows = read.num_queries, read.num_rows
    width, count = read.width, len(read.pieces)
    # Pieces are put side by side in each tile alone: all rows of them would be the inputs a second time.
    tiles = [
        padded_tiles(each.unflatten(1, (num_rows, length)), 1, rows) for each in (*read.pieces, read.scale)
    ]
    like = read.scale
    of_columns: Tensor | None = None
    in_rows: Tensor | None = None
    if axes is not None:
        tiles.append(padded_tiles(read.along_rows, 1, rows))
        of_columns = read.products.axes[-1][:, None]
        in_rows = torch.eye(rows, dtype=like.dtype, device=like.device).repeat_interleave(length, dim=0)
    is_filled_up = isinstance(num_rows, torch.SymInt) or num_rows % rows != 0
    hides = mask is not None or is_filled_up
    if hides:
        counted = like.new_ones(1, num_rows, length, dtype=torch.bool)
        counted = counted if mask is None else mask.unflatten(1, (num_rows, length))
        tiles.append(padded_tiles(counted, 1, rows))
    start = [
        like.new_full((batch, queries), _MASKED),
        like.new_zeros(batch, queries),
        like.new_zeros(batch, queries, width),
    ]
    if axes is not None:
        start.append(like.new_zeros(batch, queries, length))
    vectors = read.vectors

    def step(
        carried: tuple[Tensor, ...], tile: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        before, total, sums, *of_axis = carried
        pieces, (scales, *others) = tile[:count], tile[count:]
        own, asked = torch.cat([each.flatten(1, 2) for each in pieces], dim=-1), vectors
        if in_rows is not None:
            own = torch.cat([own, in_rows.expand(own.shape[0], -1, -1)], dim=-1)
            asked = torch.cat([vectors, others.pop(0)], dim=1)
        logits = asked @ own.transpose(1, 2)
        if of_columns is not None:
            logits = (logits.unflatten(2, (rows, length)) + of_columns).flatten(2)
        factors = scales.flatten(1)[:, None]
        logits = logits * factors
        if hides:
            logits = torch.where(others.pop(0).flatten(1)[:, None], logits, _MASKED)
        largest = torch.maximum(before, logits.amax(dim=-1))
        weights = (logits - largest[..., None]).exp()
        shrunk = (before - largest).exp()
        # Where nothing has counted so far, what is filled up weighs as much as anything: it is dropped by the next tile.
        total = total * shrunk + weights.sum(dim=-1)
        weights = weights * factors
        found = weights @ own
        sums = sums * shrunk[..., None] + found[..., :width]
        if of_columns is None:
            return (largest, total, sums), (largest.clone(),)
        marginal = of_axis[0] * shrunk[..., None] + weights.unflatten(2, (rows, length)).sum(dim=2)
        return (largest, total, sums, marginal), (largest.clone(), found[..., width:].clone())

    carried, given = scan_tiles(step, start, tiles)
    largest, total, sums = carried[:3]
    marginals: list[Tensor] = []
    if axes is not None:
        # Every tile's rows were weighed by the largest logit so far.
        of_rows = given[1] * (given[0] - largest).exp()[..., None]
        of_rows = of_rows.permute(1, 2, 0, 3).flatten(2)[..., :num_rows]
        marginals = [*axes.of_slow_axes(of_rows), carried[3]]
    return PartialSums(largest, total, read.context(sums, marginals))


def whole_tile(part: StructuredTokens) -> Tile:
    """All tokens of a part."""
    num_rows, length = grid_of(part)
    rows = slice(0, num_rows) if part.axes is not None else slice(0, 1)
    columns = slice(0, length) if part.axes is not None else slice(0, part.num_tokens)
    return Tile(rows, columns, slice(0, part.num_tokens))


def grid_of(part: StructuredTokens) -> tuple[int, int]:
    """Rows and their length: of the grid where positions are separable, and of single tokens elsewhere."""
    if part.axes is None:
        return part.num_tokens, 1
    return part.axes.num_rows, part.axes.sizes[-1]


def _vectors(products: Products, queries: Tensor) -> Tensor:
    """[values | rows of the table | 0 for the mean | what is the same for all tokens]."""
    known = [each for each in (products.values, products.table) if each is not None]
    constant = products.constant[:, None]
    return torch.cat([*known, torch.zeros_like(constant), constant], dim=1)
