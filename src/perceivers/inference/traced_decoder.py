"""`prepared_decoder` as a graph that runs elsewhere: all samples at once, queries tile by tile where they are many.

The latents' tables are made for the whole batch. Each query is answered alone, so that tiles need not be joined: every step
of a scan gives the answers of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from perceivers.inference.structured_tokens import StructuredTokens
from perceivers.inference.traced_attention import grid_of, whole_tile
from perceivers.inference.tracing import expanded, padded_tiles, scan_tiles, tile_rows


@dataclass(frozen=True)
class Answerer:
    """How the answers of some queries come about.

    Attributes:
        finish: from attention weights [batch, queries, latents] and queries [batch, queries, channels] (None without a
            residual) to answers [batch, queries, outputs].
        masked: from attention weights and bool [batch, queries] to those of queries that may look at nothing.
        width: values that exist for a query at the same time.
        adds_queries: whether the queries are added to what they see.
    """

    finish: Callable[[Tensor, Tensor | None], Tensor]
    masked: Callable[[Tensor, Tensor], Tensor]
    width: int
    adds_queries: bool


def answer_absorbed_traced(
    tokens: StructuredTokens,
    vectors: Tensor,
    biases: Tensor,
    answerer: Answerer,
    mask: Tensor | None,
) -> Tensor:
    """Answers of queries with one head, [batch, num_queries, outputs].

    Args:
        tokens: the queries.
        vectors: k_n of the latents, [batch, num_latents, channels].
        biases: c_n, [batch, num_latents].
        answerer: from weights to answers.
        mask: bool [batch, num_queries], True where a query may look at the latents.
    """
    batch, num_latents = biases.shape
    products = tokens.products(vectors.flatten(0, 1))

    def of_samples(values: Tensor) -> Tensor:
        return values.unflatten(0, (batch, num_latents))

    whole, everyone = whole_tile(tokens), slice(None)
    values, rows = tokens.values(whole, everyone), tokens.table_rows(whole, everyone)
    _, scale = tokens.statistics(whole, values, rows)
    length = tokens.num_tokens
    parts = [
        (each, of_samples(own))
        for each, own in ((values, products.values), (rows, products.table))
        if each is not None and own is not None
    ]
    parts.append((torch.ones_like(scale)[..., None], of_samples(products.constant)[..., None]))
    samples = max_samples([each for each, _ in parts] + [scale], batch)
    keys = torch.cat([own for _, own in parts], dim=-1).transpose(1, 2)
    scale = scale.expand(samples, length)
    num_rows, row_length = grid_of(tokens)
    axes = tokens.axes
    # Put side by side in each tile alone: all rows of them would be the inputs a second time.
    inputs = [expanded(each, samples, length) for each, _ in parts] + [scale]
    inputs = [each.unflatten(1, (num_rows, row_length)) for each in inputs]
    if answerer.adds_queries:
        laid_out = tokens.tokens(whole, everyone).expand(batch, length, -1)
        inputs.append(laid_out.unflatten(1, (num_rows, row_length)))
    if mask is not None:
        inputs.append(mask.unflatten(1, (num_rows, row_length)))
    of_columns: Tensor | None = None
    if axes is not None:
        of_columns = of_samples(products.axes[-1]).transpose(1, 2)[:, None]
        # [batch, rows, latents].
        inputs.append(of_samples(axes.along_all_rows(products.axes)).transpose(1, 2)[:, :, None])

    def answers(some: list[Tensor]) -> Tensor:
        pieces, (scales, *others) = some[: len(parts)], some[len(parts) :]
        logits = torch.cat([each.flatten(1, 2) for each in pieces], dim=-1) @ keys
        if of_columns is not None:
            of_rows = others.pop()
            grid = (-1, of_rows.shape[1], row_length, num_latents)
            logits = (logits.reshape(grid) + of_rows + of_columns).flatten(1, 2)
        logits = logits * scales.flatten(1)[..., None] + biases[:, None]
        weights = torch.softmax(logits, dim=-1)
        if mask is not None:
            weights = answerer.masked(weights, others.pop().flatten(1))
        queries = others.pop().flatten(1, 2) if answerer.adds_queries else None
        return answerer.finish(weights, queries)

    return _by_rows(answers, inputs, num_rows, row_length, max(num_latents, answerer.width), length)


def answer_projected_traced(
    projected: Tensor,
    keys: Tensor,
    values: Tensor,
    num_heads: int,
    project: Callable[[Tensor], Tensor],
    answerer: Answerer,
    queries: Tensor | None,
    mask: Tensor | None,
) -> Tensor:
    """Answers of queries with any number of heads, [batch, num_queries, outputs].

    Args:
        projected: queries after Wq, [1 or batch, num_queries, qk_channels].
        keys: [batch, num_heads, channels, num_latents].
        values: [batch, num_heads, num_latents, channels].
        num_heads: of the attention.
        project: from the heads' context, side by side, to attended values.
        answerer: its `finish` takes attended values in the place of weights.
        queries: [1 or batch, num_queries, channels], added to the attended values; None without a residual.
        mask: bool [batch, num_queries].
    """
    batch, num_queries = keys.shape[0], projected.shape[1]
    inputs = [projected[:, :, None]]
    if queries is not None:
        inputs.append(queries[:, :, None])
    if mask is not None:
        inputs.append(mask[:, :, None])

    def answers(some: list[Tensor]) -> Tensor:
        own, *others = (each[:, :, 0] for each in some)
        heads = own.unflatten(-1, (num_heads, -1)).transpose(1, 2)
        weights = torch.softmax(heads @ keys, dim=-1)
        if mask is not None:
            weights = answerer.masked(weights, others.pop()[:, None])
        attended = project((weights @ values).transpose(1, 2).flatten(2))
        return answerer.finish(attended, others.pop() if queries is not None else None)

    width = max(num_heads * keys.shape[-1], answerer.width)
    return _by_rows(answers, inputs, num_queries, 1, width, num_queries).expand(batch, -1, -1)


def max_samples(values: list[Tensor], batch: int) -> int:
    """1 where all of these are the same for every sample, else how many samples there are."""
    return 1 if all(each.shape[0] == 1 for each in values) else batch


def masked_rows(weights: Tensor, mask: Tensor, share: float) -> Tensor:
    """Weights whose rows that may look at nothing are `share`."""
    return torch.where(mask[..., None], weights, weights.new_tensor(share))


def _by_rows(
    answers: Callable[[list[Tensor]], Tensor],
    inputs: list[Tensor],
    num_rows: int,
    row_length: int,
    width: int,
    num_queries: int,
) -> Tensor:
    """Answers of inputs [samples, num_rows, ...], some rows at a time where they are many."""
    rows = tile_rows(num_rows, row_length * width)
    if rows is None:
        return answers(inputs)

    def step(
        carried: tuple[Tensor, ...], tile: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        return (carried[0].clone(),), (answers(list(tile)),)

    tiles = [padded_tiles(each, 1, rows) for each in inputs]
    nothing = inputs[0].new_zeros(1)
    _, (given,) = scan_tiles(step, [nothing], tiles)
    return given.transpose(0, 1).flatten(1, 2)[:, :num_queries]
