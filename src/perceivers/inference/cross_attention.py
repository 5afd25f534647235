"""The encoder's cross-attends: everything but the tokens, and the latents where they vary, multiplied out beforehand."""

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
from perceivers.inference.traced_attention import whole_tile
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

    def finish(self, context: Tensor, latents: Tensor | None = None) -> Tensor:
        """From the context to latents after the layer.

        Args:
            context: [batch, num_latents, v_channels], heads side by side.
            latents: those that asked, [batch, num_latents, channels]; None: the learned ones.

        Returns:
            [batch, num_latents, channels].
        """
        attended = self._output(context.to(self.dtype))
        if self._query_residual:
            attended = (self.latents if latents is None else latents) + attended
        rows = self._mlp_chunk_size or attended.shape[1]
        return torch.cat(
            [chunk + self._mlp(self._norm(chunk)) for chunk in attended.split(rows, dim=1)], dim=1
        )


class VaryingQueries:
    """What latents ask that are not the learned ones: Wq LN(latents) + bq.

    Args:
        layer: the cross-attend.
        dtype: what queries are computed in.
    """

    def __init__(self, layer: AttentionLayer, dtype: torch.dtype) -> None:
        projections = layer.attention.self
        self._map = narrow(fold_norm(projections.query, projections.layernorm1), dtype)
        self._eps = projections.layernorm1.eps
        self._dtype = dtype

    def __call__(self, latents: Tensor) -> Tensor:
        """[..., num_latents, channels] to [..., num_latents, qk_channels]."""
        normed = F.layer_norm(latents.to(self._dtype), latents.shape[-1:], eps=self._eps)
        return F.linear(normed, self._map.weight, self._map.bias)


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
        self._key_weight = keys.weight.to(self.working)
        self._varying = VaryingQueries(layer, self.working)
        narrowed = narrow(values, self.working)
        # [heads, token_channels, value channels of a head].
        self._value_maps = narrowed.weight.unflatten(0, (self.num_heads, -1)).transpose(1, 2)
        self._value_bias = cast("Tensor", narrowed.bias)
        self._eps = norm.eps
        self._table_sums = {
            id(positions.table): table_sums(positions, self.working, _TABLE_ROWS_AT_A_TIME)
            for positions in learned
        }

    def __call__(
        self, inputs: Grouped, mask: Tensor | None, budget: Budget, latents: Tensor | None = None
    ) -> Tensor:
        """Latents after the layer, [batch, num_latents, channels].

        Args:
            inputs: the tokens.
            mask: bool [batch, num_tokens], True where a token counts.
            budget: how much is computed at a time.
            latents: those that look, [batch, num_latents, channels]; None: the learned ones.
        """
        parts = [self.read(each) for each in inputs.parts.values()]
        batch_size = inputs.batch_size
        unmasked = None if mask is None else mask.any(dim=1)
        if mask is None or unmasked is None or (not is_traced() and bool(unmasked.all())):
            return self.finish_heads(self._attend(parts, batch_size, mask, budget, latents), latents)
        # A latent that may look at nothing gets zeros, or the mean of all tokens: what queries of zero see.
        mask = mask | ~unmasked[:, None]
        context = self._attend(parts, batch_size, mask, budget, latents)
        if not self.zero_masked_rows:
            means = attend(parts, torch.zeros_like(self.queries[:1]), batch_size, None, budget)
            context = torch.where(unmasked[:, None, None], context, means)
            return self.finish_heads(context, latents)
        return self.finish_heads(context, latents, unmasked)

    def _attend(
        self,
        parts: Sequence[StructuredTokens],
        batch_size: int,
        mask: Tensor | None,
        budget: Budget,
        latents: Tensor | None,
    ) -> Tensor:
        """[batch, num_heads * num_latents, token_channels]."""
        if latents is None:
            return attend(parts, self.queries, batch_size, mask, budget)
        asked = self._varying(latents)
        if is_traced():
            return self._attend_traced(parts, asked, mask)
        return torch.cat(
            [
                attend(
                    parts,
                    absorb_keys(asked[sample], self._key_weight, self.num_heads),
                    1,
                    None if mask is None else mask[sample : sample + 1],
                    budget,
                    first_sample=sample,
                )
                for sample in range(batch_size)
            ]
        )

    def _attend_traced(self, parts: Sequence[StructuredTokens], asked: Tensor, mask: Tensor | None) -> Tensor:
        """The same for a graph that runs elsewhere: all samples at once, tokens built whole."""
        everyone = slice(None)
        tokens = [part.tokens(whole_tile(part), everyone).expand(asked.shape[0], -1, -1) for part in parts]
        normed = F.layer_norm(torch.cat(tokens, dim=1), (self._key_weight.shape[1],), eps=self._eps)
        heads = asked.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
        maps = self._key_weight.unflatten(0, (self.num_heads, -1))
        logits = (heads @ maps / maps.shape[1] ** 0.5).flatten(1, 2) @ normed.transpose(1, 2)
        if mask is not None:
            logits = torch.where(mask[:, None], logits, -torch.inf)
        return torch.softmax(logits, dim=-1) @ normed

    def read(self, structure: TokenStructure) -> StructuredTokens:
        """A part of the tokens, with what is constant of it."""
        table = getattr(structure.positions, "table", None)
        return StructuredTokens(
            structure, self._eps, self.working, self.latents.device, self._table_sums.get(id(table))
        )

    def finish_heads(
        self, context: Tensor, latents: Tensor | None = None, counted: Tensor | None = None
    ) -> Tensor:
        """[batch, num_heads * num_latents, token_channels] to latents; samples not `counted` have values of zero."""
        heads = context.unflatten(1, (self.num_heads, -1))
        values = (heads @ self._value_maps).transpose(1, 2).flatten(2) + self._value_bias
        if counted is not None:
            values = values * counted[:, None, None]
        return self.finish(values, latents)
