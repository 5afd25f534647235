"""The encoder's cross-attend with constant latents: everything but the tokens multiplied out beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.inference.absorbed_attention import attend
from perceivers.inference.budget import Budget
from perceivers.inference.folding import absorb_keys, fold_norm, narrow, wide, working_dtype
from perceivers.inference.structured_tokens import StructuredTokens, table_sums
from perceivers.inference.tracing import is_traced
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.token_structure import TablePositions, TokenStructure

Part = TypeVar("Part", bound=nn.Module)
#: Gives a module that nothing else changes: a copy, or the module itself where the model is used up.
Take = Callable[[Part], Part]
_TABLE_ROWS_AT_A_TIME = 4096


@dataclass(frozen=True)
class Grouped:
    """Inputs that are groups of channels.

    Attributes:
        parts: structure of the tokens, in their order; one part a modality.
        batch_size: number of samples.
    """

    parts: Mapping[str, TokenStructure]
    batch_size: int


class AttendedLatents:
    """From the latents' context to the end of their layer: values, output projection, residual, perceptron.

    Values are taken after attention, since the weights of a softmax sum to one:
    sum_m p_m (Wv x^_m + bv) = Wv (sum_m p_m x^_m) + bv.

    Args:
        layer: the cross-attend.
        latents: [num_latents, channels].
        take: see Take.
    """

    def __init__(self, layer: AttentionLayer, latents: Tensor, take: Take[nn.Module]) -> None:
        attention = layer.attention
        self.latents = latents.detach().clone()
        self.num_heads = attention.num_heads
        self.dtype = latents.dtype
        self.working = working_dtype(latents.dtype)
        self.zero_masked_rows = attention.zero_masked_rows
        self._query_residual = attention.query_residual
        self._output = take(attention.output)
        self._norm = take(layer.layernorm)
        self._mlp = take(layer.mlp)
        self._mlp_chunk_size = layer.mlp_chunk_size

    def finish(self, context: Tensor) -> Tensor:
        """[batch, num_latents, v_channels], heads side by side, to latents [batch, num_latents, channels]."""
        attended = self._output(context.to(self.dtype))
        if self._query_residual:
            attended = self.latents + attended
        rows = self._mlp_chunk_size or attended.shape[1]
        return torch.cat(
            [chunk + self._mlp(self._norm(chunk)) for chunk in attended.split(rows, dim=1)], dim=1
        )


def constant_queries(layer: AttentionLayer, latents: Tensor) -> Tensor:
    """What the latents ask: Wq LN(latents) + bq, float64 [num_latents, qk_channels]."""
    projections = layer.attention.self
    folded = fold_norm(projections.query, projections.layernorm1)
    normed = F.layer_norm(wide(latents), (latents.shape[1],), eps=projections.layernorm1.eps)
    return F.linear(normed, folded.weight, folded.bias)


class AbsorbedCrossAttention(AttendedLatents):
    """Latents look at structured tokens through `absorbed_attention`; H heads are H times as many latents.

    Args:
        layer: the cross-attend.
        latents: [num_latents, channels].
        take: see Take.
        learned: learned positions of the tokens, whose channels' sums are constant and therefore kept.
    """

    def __init__(
        self,
        layer: AttentionLayer,
        latents: Tensor,
        take: Take[nn.Module],
        learned: Sequence[TablePositions] = (),
    ) -> None:
        super().__init__(layer, latents, take)
        projections = layer.attention.self
        norm = cast("nn.LayerNorm", projections.layernorm2)
        keys, values = (fold_norm(each, norm) for each in (projections.key, projections.value))
        self.queries = absorb_keys(constant_queries(layer, latents), keys.weight, self.num_heads)
        narrowed = narrow(values, self.working)
        # [heads, token_channels, value channels of a head].
        self._value_maps = narrowed.weight.unflatten(0, (self.num_heads, -1)).transpose(1, 2)
        self._value_bias = cast("Tensor", narrowed.bias)
        self._eps = norm.eps
        self._table_sums = {
            id(positions.table): table_sums(positions, self.working, _TABLE_ROWS_AT_A_TIME)
            for positions in learned
        }

    def __call__(self, inputs: Grouped, mask: Tensor | None, budget: Budget) -> Tensor:
        """Latents after the layer, [batch, num_latents, channels].

        Args:
            inputs: the tokens.
            mask: bool [batch, num_tokens], True where a token counts.
            budget: how much is computed at a time.
        """
        parts = [self.read(each) for each in inputs.parts.values()]
        batch_size = inputs.batch_size
        unmasked = None if mask is None else mask.any(dim=1)
        if mask is None or unmasked is None or (not is_traced() and bool(unmasked.all())):
            return self.finish_heads(attend(parts, self.queries, batch_size, mask, budget))
        # A latent that may look at nothing gets zeros, or the mean of all tokens: what queries of zero see.
        mask = mask | ~unmasked[:, None]
        context = attend(parts, self.queries, batch_size, mask, budget)
        if not self.zero_masked_rows:
            means = attend(parts, torch.zeros_like(self.queries[:1]), batch_size, None, budget)
            context = torch.where(unmasked[:, None, None], context, means)
            return self.finish_heads(context)
        return self.finish_heads(context, unmasked)

    def read(self, structure: TokenStructure) -> StructuredTokens:
        """Tokens of some structure, with the sums that are known of them."""
        table = getattr(structure.positions, "table", None)
        return StructuredTokens(
            structure, self._eps, self.working, self.latents.device, self._table_sums.get(id(table))
        )

    def finish_heads(self, context: Tensor, counted: Tensor | None = None) -> Tensor:
        """[batch, num_heads * num_latents, token_channels] to latents; samples not `counted` have values of zero."""
        heads = context.unflatten(1, (self.num_heads, -1))
        values = (heads @ self._value_maps).transpose(1, 2).flatten(2) + self._value_bias
        if counted is not None:
            values = values * counted[:, None, None]
        return self.finish(values)
