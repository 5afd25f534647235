"""A self-attend of the latents with its norms folded, its queries, keys and values made by one map, its residuals fused.

With x^ the normalised latents (see `perceivers.inference.folding`), queries, keys and values are one product

    [q | k | v] = [Wq' / sqrt(d) ; Wk' ; Wv'] x^ + [bq' / sqrt(d) ; bk' ; bv']

where ' means the norm's gain and bias folded in, and d the query channels of a head. The logits need no scale then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.inference.budget import pieces
from perceivers.inference.folding import fold_norm, narrow
from perceivers.inference.packed_map import PackedMap
from perceivers.inference.traced_latents import attend_latents_traced
from perceivers.inference.tracing import is_traced
from perceivers.nn.activations import Activation, identity
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.late_weights import arrive
from perceivers.nn.token_structure import AffineMap


class LinearMap(Protocol):
    """A constant linear map, see PackedMap."""

    def __call__(self, inputs: Tensor, added: Tensor | None = None) -> Tensor:
        """[..., in_channels] to [..., out_channels]."""


#: Makes a map of its weights and of the activation after it.
MakeMap = Callable[[AffineMap, Activation], LinearMap]


class FoldedSelfAttend:
    """A self-attend without masks, dropout or attention weights.

    Args:
        layer: the layer, see `can_fold`.
        make_map: PackedMap, or one that rounds.
        tile_values: attention weights that may exist at the same time where no fused kernel does without them.
        release: drop every matrix of the layer once its map is made.
        inner: what queries, keys, values and the perceptron's hidden channels are computed in; None: as the latents.
    """

    def __init__(
        self,
        layer: AttentionLayer,
        make_map: MakeMap = PackedMap,
        tile_values: int = 2**20,
        *,
        release: bool = False,
        inner: torch.dtype | None = None,
    ) -> None:
        attention, projections = layer.attention, layer.attention.self
        for small in (projections.layernorm1, layer.layernorm):
            arrive(small)
        dtype, device = projections.query.weight.dtype, layer.layernorm.weight.device
        norm = projections.layernorm1
        self._inner = dtype if inner is None else inner
        self._num_heads = attention.num_heads
        self._tile_values = tile_values
        self._sizes = [projections.query.out_features] * 2 + [projections.value.out_features]
        self._residual = attention.query_residual
        self._mlp_chunk_size = layer.mlp_chunk_size
        self._norm_eps, self._mlp_norm_eps = norm.eps, layer.layernorm.eps
        scale = (self._sizes[0] // self._num_heads) ** -0.5

        def drop(linear: nn.Linear) -> None:
            if release:
                linear.register_parameter("weight", None)

        joined = AffineMap(
            torch.empty(sum(self._sizes), projections.query.in_features, dtype=dtype, device=device),
            torch.empty(sum(self._sizes), dtype=dtype, device=device),
        )
        # One matrix read, and one in float64, at a time.
        rows = joined.weight.split(self._sizes), cast("Tensor", joined.bias).split(self._sizes)
        for linear, factor, weight, bias in zip(
            (projections.query, projections.key, projections.value), (scale, 1.0, 1.0), *rows, strict=True
        ):
            arrive(linear)
            folded = fold_norm(linear, norm)
            weight.copy_(folded.weight.mul_(factor))
            bias.copy_(cast("Tensor", folded.bias) * factor)
            del folded
            drop(linear)
        self._projections = make_map(joined, identity)
        del joined, rows, weight, bias
        arrive(attention.output)
        self._output = make_map(AffineMap.of(attention.output.dense), identity)
        drop(attention.output.dense)
        arrive(layer.mlp.dense1)
        first = narrow(fold_norm(layer.mlp.dense1, layer.layernorm), dtype)
        drop(layer.mlp.dense1)
        self._first = make_map(first, layer.mlp.activation)
        del first
        arrive(layer.mlp.dense2)
        self._second = make_map(AffineMap.of(layer.mlp.dense2), identity)
        drop(layer.mlp.dense2)

    def __call__(self, latents: Tensor) -> Tensor:
        """[batch, num_latents, channels] after the layer."""
        normed = F.layer_norm(latents, latents.shape[-1:], eps=self._norm_eps)
        context = self._attend(self._projections(normed.to(self._inner)))
        attended = self._output(context, latents if self._residual else None).to(latents.dtype)
        if self._mlp_chunk_size == 0:
            return self._feed_forward(attended)
        chunks = attended.split(self._mlp_chunk_size, dim=1)
        return torch.cat([self._feed_forward(chunk) for chunk in chunks], dim=1)

    def _attend(self, projected: Tensor) -> Tensor:
        query, key, value = (
            each.unflatten(-1, (self._num_heads, -1)).transpose(1, 2)
            for each in projected.split(self._sizes, dim=-1)
        )
        if is_traced():
            context = attend_latents_traced(query, key, value)
        # On a GPU the kernels take values of another width than queries.
        elif query.shape[-1] == value.shape[-1] or query.device.type != "cpu":
            context = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        else:
            context = self._attend_unfused(query, key, value)
        return context.transpose(1, 2).flatten(2)

    def _attend_unfused(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The same where queries and values differ in width, for which no fused kernel exists: a few heads at a time."""
        context = torch.empty_like(value)
        at_a_time = max(1, self._tile_values // (query.shape[2] * key.shape[2]))
        for sample in range(query.shape[0]):
            for heads in pieces(self._num_heads, at_a_time):
                weights = torch.softmax(query[sample, heads] @ key[sample, heads].transpose(1, 2), dim=-1)
                context[sample, heads] = weights @ value[sample, heads]
        return context

    def _feed_forward(self, attended: Tensor) -> Tensor:
        normed = F.layer_norm(attended, attended.shape[-1:], eps=self._mlp_norm_eps)
        return self._second(self._first(normed.to(self._inner)), attended)


def can_fold(layer: nn.Module) -> bool:
    """Whether a layer does what AttentionLayer does, in a precision in which folding changes nothing.

    Half precision is left as it is: weights folded first and rounded afterwards would be other weights.
    """
    if not isinstance(layer, AttentionLayer) or type(layer).forward is not AttentionLayer.forward:
        return False
    projections = layer.attention.self
    maps = [
        projections.query,
        projections.key,
        projections.value,
        layer.attention.output.dense,
        layer.mlp.dense1,
        layer.mlp.dense2,
    ]
    return not layer.is_cross_attention and all(
        type(each) is nn.Linear and each.weight.dtype in (torch.float32, torch.float64) for each in maps
    )
