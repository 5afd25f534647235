"""Attention of latents to each other as a graph that runs elsewhere: some queries at a time where the weights are many.

What runs a file holds all weights at once, and those after the softmax beside those before it: of 2,048 latents with 16
heads, twice 256 MiB. A fused kernel, which needs none of it, is not in every program.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.inference.tracing import padded_tiles, scan_tiles, tile_rows


def attend_latents_traced(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax-weighted means of values; nothing is scaled or hidden.

    Args:
        query: [batch, num_heads, num_queries, channels].
        key: [batch, num_heads, num_keys, channels].
        value: [batch, num_heads, num_keys, value_channels].

    Returns:
        [batch, num_heads, num_queries, value_channels].
    """
    num_queries = query.shape[2]
    rows = tile_rows(num_queries, query.shape[1] * key.shape[2])
    if rows is None:
        return F.scaled_dot_product_attention(query, key, value, scale=1.0)
    # Queries, keys and values may be parts of one product; a loop's may not share memory.
    keys, values, queries = key.transpose(2, 3).clone(), value.clone(), query.clone()

    def step(
        carried: tuple[Tensor, ...], tile: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        weights = torch.softmax(tile[0] @ keys, dim=-1)
        return (carried[0].clone(),), (weights @ values,)

    _, (given,) = scan_tiles(step, [query.new_zeros(1)], [padded_tiles(queries, 2, rows)])
    return given.movedim(0, 2).flatten(2, 3)[:, :, :num_queries]
