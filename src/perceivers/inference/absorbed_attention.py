"""Constant queries look at any number of structured tokens, tile by tile, with an online softmax.

For queries q~ (see `perceivers.inference.folding.absorb_keys`) and normalised tokens x^_m = (x_m - mean_m) rs_m:

    logits[n, m] = rs_m (q~_n . x_m)
    context[n]   = sum_m p[n, m] x^_m = sum_m w[n, m] x_m - sum_m w[n, m] mean_m,     w[n, m] = p[n, m] rs_m

and both the products q~ . x and the weighted sums of x are taken part by part (`structured_tokens`). A tile's logits exist
only while it is computed, so that working memory does not depend on the number of tokens. Sums are weighted by
exp(logits - largest), as in the online softmax of Milakov and Gimelshein (2018). Any number near the largest logit serves as
well as itself, so that it is looked for in the first tile, and in one whose weights come out large: most tiles are not looked
through for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from perceivers.inference.budget import Budget, pieces
from perceivers.inference.running_sums import ReadTile, RunningSums
from perceivers.inference.shares import in_shares, threads_for
from perceivers.inference.structured_tokens import Products, StructuredTokens, Tile
from perceivers.inference.traced_attention import attend_traced
from perceivers.inference.tracing import is_traced

# Weights of a tile that add up to more mean that a logit lies far above the largest one so far: they are computed again.
# Up to this, sums of any tokens are finite in float32.
_LARGEST_TOTAL = 1e12
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
        RunningSums(part, own, num_queries, num_samples) for part, own in zip(parts, products, strict=True)
    ]
    first_tokens = [sum(part.num_tokens for part in parts[:number]) for number in range(len(parts))]
    softmax = _OnlineSoftmax(
        running, torch.full((num_samples, num_queries), _MASKED, dtype=dtype, device=device)
    )
    for number, tile in tiles:
        sums = running[number]
        shared = sums.shared_logits(tile)
        for group in pieces(num_samples, max(1, budget.tile_values // (num_queries * tile.num_tokens))):
            inputs = slice(samples.start + group.start, samples.start + group.stop)
            hidden = None
            if mask is not None:
                first = first_tokens[number]
                hidden = ~mask[group, None, first + tile.tokens.start : first + tile.tokens.stop]
            softmax.add(sums, ReadTile(parts[number], tile, inputs, group), shared, hidden)
        softmax.settle()
    context = running[0].context()
    for sums in running[1:]:
        context += sums.context()
    return softmax.largest, softmax.totals, context


class _OnlineSoftmax:
    """Largest logits, and totals of exp(logit - largest), over the tiles of some tokens; raised where a tile needs it.

    Args:
        running: sums that are weighted alike, of every part of the tokens.
        largest: where to begin, [samples, num_queries].
    """

    def __init__(self, running: Sequence[RunningSums], largest: Tensor) -> None:
        self.largest = largest
        self.totals = torch.zeros_like(largest)
        self._running = running
        self._is_settled = False

    def add(self, sums: RunningSums, read: ReadTile, shared: Tensor | None, hidden: Tensor | None) -> None:
        """Add a tile to the sums of its part.

        Args:
            sums: of the part.
            read: the tile.
            shared: see `RunningSums.logits`.
            hidden: bool [samples, 1, tokens of the tile], True where a token does not count; None: all do.
        """
        largest = self.largest[read.group]
        if self._is_settled:
            weights = _hide(sums.logits(read, shared, largest), hidden).exp_()
            columns = sums.weighted(weights, read)
            if bool(columns[..., -1].amax() <= _LARGEST_TOTAL):
                self._take(sums, read, weights, columns)
                return
        logits = _hide(sums.logits(read, shared, torch.zeros_like(largest)), hidden)
        self._raise(logits.amax(dim=-1), read.group)
        weights = logits.sub_(self.largest[read.group][..., None]).exp_()
        self._take(sums, read, weights, sums.weighted(weights, read))

    def settle(self) -> None:
        """See whether every query has met a token that counts: from then on, tiles are not looked through."""
        self._is_settled = self._is_settled or bool((self.largest > _MASKED / 2).all())

    def _take(self, sums: RunningSums, read: ReadTile, weights: Tensor, columns: Tensor) -> None:
        self.totals[read.group] += columns[..., -1]
        sums.add(weights, columns, read)

    def _raise(self, found: Tensor, group: slice) -> None:
        """Raise the largest logits to those that were found, as whole numbers, and rescale what was summed up so far."""
        before = self.largest[group]
        raised = torch.maximum(before, found.floor())
        factor = (before - raised).exp_()
        self.largest[group] = raised
        self.totals[group] *= factor
        for sums in self._running:
            sums.rescale(factor, group)


def _hide(logits: Tensor, hidden: Tensor | None) -> Tensor:
    return logits if hidden is None else logits.masked_fill_(hidden, _MASKED)
