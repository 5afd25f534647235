"""Constant queries look at any number of structured tokens, tile by tile, with an online softmax.

For queries q~ (see `perceivers.inference.folding.absorb_keys`) and normalised tokens x^_m = (x_m - mean_m) rs_m:

    logits[n, m] = rs_m (q~_n . x_m)
    context[n]   = sum_m p[n, m] x^_m = sum_m w[n, m] x_m - sum_m w[n, m] mean_m,     w[n, m] = p[n, m] rs_m

and both the products q~ . x and the weighted sums of x are taken part by part (`structured_tokens`). A tile's logits exist
only while it is computed, so that working memory does not depend on the number of tokens. Each tile has a softmax of its own,
p = exp(logits - largest) / total; its sums are added to the running ones times total * exp(largest - running largest), as in
the online softmax of Milakov and Gimelshein (2018). The total need not be summed up: the largest p is 1 / total.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from perceivers.inference.budget import Budget, pieces
from perceivers.inference.shares import in_shares, threads_for
from perceivers.inference.structured_tokens import Products, StructuredTokens, Sums, Tile
from perceivers.inference.traced_attention import attend_traced
from perceivers.inference.tracing import is_traced

# Running sums are rescaled only when the largest logit grows by more than this: exp(20) times any number of tokens is finite
# in float32, and after the first tile it is rare.
_MARGIN = 20.0
# Less than any logit, and finite: a tile without any token that counts gives no NaN, and weighs nothing beside others.
_MASKED = -1e30


def attend(
    parts: Sequence[StructuredTokens],
    queries: Tensor,
    batch_size: int,
    mask: Tensor | None,
    budget: Budget,
    first_sample: int = 0,
) -> Tensor:
    """Softmax-weighted means of normalised tokens.

    Args:
        parts: tokens whose channels lie differently, one part after the other (one a modality).
        queries: q~, centred over channels, [num_queries, channels].
        batch_size: number of samples; parts without features are the same for all.
        mask: bool [batch, number of tokens of all parts], True where a token counts; every sample has one that does.
        budget: how much is computed at a time.
        first_sample: of the parts' features, the one that the batch begins with.

    Returns:
        [batch, num_queries, channels], in the parts' working dtype.
    """
    if is_traced():
        return attend_traced(parts, queries, batch_size, mask)
    num_queries, channels = queries.shape
    threads = threads_for(queries.device, budget)
    kept = threads * num_queries * (channels + sum(sum(part.axes.sizes) for part in parts if part.axes))
    contexts = []
    for samples in pieces(batch_size, budget.samples(kept)):
        some = None if mask is None else mask[samples]
        read = slice(first_sample + samples.start, first_sample + samples.stop)
        contexts.append(_attend_samples(parts, queries, read, some, budget, threads))
    return torch.cat(contexts)


def _attend_samples(
    parts: Sequence[StructuredTokens],
    queries: Tensor,
    samples: slice,
    mask: Tensor | None,
    budget: Budget,
    threads: int,
) -> Tensor:
    own = budget.shared_by(threads)
    products = [part.products(queries) for part in parts]
    tiles = [
        (number, tile) for number, part in enumerate(parts) for tile in part.tiles(own.rows(len(queries)))
    ]

    def attend_to(share: Sequence[tuple[int, Tile]]) -> tuple[Tensor, Tensor, Tensor]:
        return _attend_tiles(parts, products, len(queries), samples, mask, own, share)

    (largest, totals, context), *others = in_shares(attend_to, tiles, threads)
    for other_largest, other_totals, other_context in others:
        raised = torch.maximum(largest, other_largest)
        factor, other_factor = (largest - raised).exp_(), (other_largest - raised).exp_()
        largest, totals = raised, totals * factor + other_totals * other_factor
        context = context * factor[..., None] + other_context * other_factor[..., None]
    return context.div_(totals[..., None])


def _attend_tiles(
    parts: Sequence[StructuredTokens],
    products: Sequence[Products],
    num_queries: int,
    samples: slice,
    mask: Tensor | None,
    budget: Budget,
    tiles: Sequence[tuple[int, Tile]],
) -> tuple[Tensor, Tensor, Tensor]:
    """Largest logits and their totals [samples, num_queries], and sums [samples, num_queries, channels] over some tiles."""
    num_samples = samples.stop - samples.start
    dtype, device = parts[0].dtype, parts[0].device
    running = [
        _RunningSums(part, own, num_queries, num_samples) for part, own in zip(parts, products, strict=True)
    ]
    first_tokens = [sum(part.num_tokens for part in parts[:number]) for number in range(len(parts))]
    largest = torch.full((num_samples, num_queries), _MASKED, dtype=dtype, device=device)
    totals = torch.zeros_like(largest)
    for number, tile in tiles:
        sums, part = running[number], parts[number]
        shared = sums.shared_logits(tile)
        for group in pieces(num_samples, max(1, budget.tile_values // (num_queries * tile.num_tokens))):
            inputs = slice(samples.start + group.start, samples.start + group.stop)
            read = _ReadTile(part, tile, inputs, group)
            logits = sums.logits(read, shared)
            if mask is not None:
                first = first_tokens[number]
                tokens = slice(first + tile.tokens.start, first + tile.tokens.stop)
                logits.masked_fill_(~mask[group, None, tokens], _MASKED)
            tile_largest = logits.amax(dim=-1)
            weights = torch.softmax(logits, dim=-1)
            tile_totals = 1 / weights.amax(dim=-1)
            _follow_largest(tile_largest, largest[group], totals[group], running, group)
            tile_totals *= (tile_largest - largest[group]).exp_()
            totals[group] += tile_totals
            sums.add(weights, tile_totals, read)
    context = running[0].context()
    for sums in running[1:]:
        context += sums.context()
    return largest, totals, context


def _follow_largest(
    tile_largest: Tensor, largest: Tensor, totals: Tensor, running: Sequence[_RunningSums], group: slice
) -> None:
    """Raise the running largest logit to that of a tile where it lies far below, and rescale what was summed up so far."""
    if not bool((tile_largest > largest + _MARGIN).any()):
        return
    raised = torch.maximum(largest, tile_largest)
    factor = (largest - raised).exp_()
    largest.copy_(raised)
    totals.mul_(factor)
    for sums in running:
        sums.rescale(factor, group)


class _ReadTile:
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
        self.values = part.values(tile, inputs)
        self.rows = part.table_rows(tile, inputs)
        mean, scale = part.statistics(tile, self.values, self.rows)
        self.mean = mean.expand(self.num_samples, tile.num_tokens)
        self.scale = scale.expand(self.num_samples, tile.num_tokens)


class _RunningSums:
    """Sums over the tiles of one part, weighted by exp(logit - running maximum).

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
            return torch.zeros(num_samples, self._num_queries, channels, dtype=part.dtype, device=part.device)

        # Beside the values: the mean, and one (for the sum of the weights).
        self._values = zeros(part.value_channels + 2)
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
        return torch.addmm(self.products.constant[:, None], self.products.table, rows[0].T)

    def logits(self, read: _ReadTile, shared: Tensor | None) -> Tensor:
        """[samples, num_queries, tokens]."""
        num_rows, num_columns = read.tile.shape
        shape = (read.num_samples, self._num_queries, num_rows, num_columns)
        logits = self._values.new_empty(shape)
        if self.part.axes is not None:
            of_rows = self.part.axes.along_rows(self.products.axes, read.tile.rows)
            of_rows = of_rows + self.products.constant[:, None]
            of_columns = self.products.axes[-1][:, read.tile.columns]
            torch.add(of_rows[:, :, None].expand(shape), of_columns[:, None, :], out=logits)
        elif shared is not None:
            logits.copy_(shared[:, None, :])
        else:
            logits.copy_(self.products.constant[:, None, None])
        flat = logits.flatten(2)
        if shared is None and read.rows is not None and self.products.table is not None:
            _add_products(flat, self.products.table, read.rows)
        if read.values is not None and self.products.values is not None:
            _add_products(flat, self.products.values, read.values)
        return flat.mul_(read.scale[:, None, :])

    def add(self, weights: Tensor, factor: Tensor, read: _ReadTile) -> None:
        """Add a tile's sums.

        Args:
            weights: p, [samples, num_queries, tokens]; destroyed.
            factor: what its sums are multiplied by, [samples, num_queries].
            read: the tile.
        """
        group, factor = read.group, factor[..., None]
        weights.mul_(read.scale[:, None, :])
        own = [] if read.values is None else [read.values.transpose(1, 2)]
        columns = torch.cat([*own, read.mean[:, None], torch.ones_like(read.mean)[:, None]], dim=1)
        self._values[group] += _weighted_sums(weights, columns).mul_(factor)
        if read.rows is not None:
            self._table[group] += _weighted_sums(weights, read.rows.transpose(1, 2)).mul_(factor)
        if self.part.axes is None:
            return
        on_grid = weights.unflatten(2, read.tile.shape)
        # A single row need not be summed: where latents are many, that would be another pass over the whole tile.
        of_columns = on_grid[:, :, 0] if read.tile.shape[0] == 1 else on_grid.sum(dim=2)
        self._axes[-1][group, :, read.tile.columns].addcmul_(of_columns, factor)
        of_rows = on_grid.sum(dim=3).mul_(factor)
        indices = self.part.axes.slow_indices(read.tile.rows)
        for sums, index in zip(self._axes[:-1], indices, strict=True):
            sums[group].index_add_(2, index, of_rows)

    def rescale(self, factor: Tensor, group: slice) -> None:
        """Multiply all sums of a group of samples by [samples, num_queries]."""
        for sums in (self._values, self._table, *self._axes):
            sums[group] *= factor[..., None]

    def context(self) -> Tensor:
        """The sum of w x minus that of w mean, [samples, num_queries, channels]."""
        values, means, total = self._values.split([self.part.value_channels, 1, 1], dim=-1)
        sums = Sums(
            values if self.part.structure.features is not None else None,
            self._axes,
            self._table if self.part.has_table else None,
            total,
        )
        return self.part.combine(sums) - means


def _add_products(logits: Tensor, vectors: Tensor, values: Tensor) -> None:
    """logits[b, n, m] += vectors[n] . values[b, m], where `values` may have one sample for all."""
    if logits.shape[0] == 1:
        logits[0].addmm_(vectors, values[0].T)
        return
    batch = logits.shape[0]
    logits.baddbmm_(vectors.expand(batch, -1, -1), values.expand(batch, -1, -1).transpose(1, 2))


def _weighted_sums(weights: Tensor, columns: Tensor) -> Tensor:
    """sums[b, n, c] = sum_m weights[b, n, m] columns[b, c, m], where `columns` may have one sample for all."""
    if weights.shape[0] == 1:
        # Few columns by many: several times faster this way round.
        return (columns[0] @ weights[0].T).T[None]
    if columns.shape[0] == 1:
        return weights @ columns[0].T
    return (columns @ weights.transpose(1, 2)).transpose(1, 2)
