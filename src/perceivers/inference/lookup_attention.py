"""The encoder's cross-attend over tokens that are sums of two table rows: byte ids and positions, for texts.

With rows t_i of the id table and s_p of the position table, both centred over channels (t' and s'),

    x^(i, p) = rs(i, p) (t'_i + s'_p),      1 / rs(i, p)^2 = (|t'_i|^2 + 2 t'_i . s'_p + |s'_p|^2) / channels + eps

so keys and values are W x^ = rs(i, p) (W t'_i + W s'_p): two rows of small constant tables, added and scaled. No token is
projected, and bytes that are masked are left out instead of computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.inference.budget import Budget, pieces
from perceivers.inference.cross_attention import AttendedLatents, Take, VaryingQueries, constant_queries
from perceivers.inference.folding import centred, fold_norm, wide
from perceivers.inference.like_lengths import groups_of_like_lengths
from perceivers.inference.tracing import is_traced
from perceivers.nn.attention_layer import AttentionLayer


@dataclass(frozen=True)
class SummedTables:
    """Rows whose scaled sums are the keys and values of tokens.

    Attributes:
        ids: W t'_i, [num_ids, qk_channels + v_channels].
        positions: W s'_p, [num_positions, qk_channels + v_channels].
        scales: rs(i, p), [num_ids, num_positions].
    """

    ids: Tensor
    positions: Tensor
    scales: Tensor

    @classmethod
    def fold(
        cls, ids: Tensor, positions: Tensor, weight: Tensor, eps: float, dtype: torch.dtype
    ) -> SummedTables:
        """Tables [num_ids, channels] and [num_positions, channels] through `weight` [out_channels, channels]."""
        ids, positions = centred(wide(ids)), centred(wide(positions))
        squares = ids.square().sum(1)[:, None] + positions.square().sum(1)[None]
        variances = (squares + 2 * ids @ positions.T) / ids.shape[1]
        scales = torch.rsqrt(variances.clamp(min=0) + eps)
        folded = (ids @ weight.T, positions @ weight.T, scales)
        return cls(*(each.to(dtype).contiguous() for each in folded))


@dataclass(frozen=True)
class LookedUp:
    """Inputs that are sums of table rows.

    Attributes:
        ids: whole numbers [batch, length].
        positions: vectors [length, channels] or [batch, length, channels] that stand for the rows of the position table;
            None for its first rows.
    """

    ids: Tensor
    positions: Tensor | None


class LookupCrossAttention(AttendedLatents):
    """Latents look at sums of table rows.

    Args:
        layer: the cross-attend.
        latents: [num_latents, channels].
        take: see Take.
        tables: of ids and of positions, [num_rows, channels] each.
    """

    def __init__(
        self,
        layer: AttentionLayer,
        latents: Tensor,
        take: Take[nn.Module],
        tables: tuple[Tensor, Tensor],
    ) -> None:
        super().__init__(layer, latents, take)
        projections = layer.attention.self
        norm = cast("nn.LayerNorm", projections.layernorm2)
        keys, values = (fold_norm(each, norm) for each in (projections.key, projections.value))
        queries = constant_queries(layer, latents)
        self._qk_channels = queries.shape[1]
        head = self._qk_channels // self.num_heads
        # The keys' bias adds the same to all logits of a latent: it drops out.
        self._queries = (
            (queries / head**0.5).to(self.working).unflatten(1, (self.num_heads, head)).transpose(0, 1)
        )
        self._varying = VaryingQueries(layer, self.working)
        self._value_bias = cast("Tensor", values.bias).to(self.working)
        self._weight = torch.cat([keys.weight, values.weight])
        self._eps = norm.eps
        self._ids = tables[0].detach().clone()
        self._tables = SummedTables.fold(*tables, self._weight, self._eps, self.working)

    def __call__(
        self, inputs: LookedUp, mask: Tensor | None, budget: Budget, latents: Tensor | None = None
    ) -> Tensor:
        """Latents after the layer, [batch, num_latents, channels].

        Args:
            inputs: ids, and their positions where they are not the first ones.
            mask: bool [batch, length], True where a byte counts.
            budget: how much is computed at a time.
            latents: those that look, [batch, num_latents, channels]; None: the learned ones.
        """
        queries = self._queries[None]
        if latents is not None:
            head = self._qk_channels // self.num_heads
            asked = self._varying(latents) / head**0.5
            queries = asked.unflatten(2, (self.num_heads, head)).transpose(1, 2)
        if is_traced():
            return self._traced(inputs, mask, queries, latents)
        batch_size = inputs.ids.shape[0]
        num_latents = self.latents.shape[0]
        counted = mask if mask is not None else torch.ones_like(inputs.ids, dtype=torch.bool)
        is_read = counted.any(dim=1)
        # A latent that may look at nothing gets the mean of all values, or zeros.
        counted = counted | ~is_read[:, None]
        lengths = counted.sum(dim=1)
        # Bytes that count first, in their order.
        places = torch.argsort((~counted).to(torch.int8), dim=1, stable=True)
        context = self._value_bias.new_empty(batch_size, num_latents, self._value_bias.shape[0])
        channels = self._tables.ids.shape[1]
        for members in groups_of_like_lengths(
            lengths.tolist(), lambda longest: budget.samples(longest * channels)
        ):
            group = torch.tensor(members, device=lengths.device)
            longest = int(lengths[group].max())
            kept = places[group, :longest]
            keys_values = self._keys_and_values(inputs, group, kept)
            inside = torch.arange(longest, device=kept.device) < lengths[group][:, None]
            hidden = None if bool(inside.all()) else ~inside
            asking = queries if latents is None else queries[group]
            context[group] = self._attend(asking, keys_values, hidden, is_read[group], budget)
        context += self._value_bias
        if self.zero_masked_rows:
            context *= is_read[:, None, None]
        return self.finish(context, latents)

    def _traced(
        self, inputs: LookedUp, mask: Tensor | None, queries: Tensor, latents: Tensor | None
    ) -> Tensor:
        """The same for a graph that runs elsewhere: all samples at once, masked bytes hidden instead of left out."""
        ids, vectors = inputs.ids, inputs.positions
        if vectors is not None and vectors.ndim == 3:
            normed = F.layer_norm(
                (self._ids[ids] + vectors).to(self.working), self._ids.shape[1:], eps=self._eps
            )
            keys_values = F.linear(normed, self._weight.to(self.working))
        else:
            tables = self._tables if vectors is None else self._fold(vectors)
            places = torch.arange(ids.shape[1], device=ids.device)
            rows = tables.ids[ids] + tables.positions[: ids.shape[1]]
            keys_values = rows * tables.scales[ids, places[None]][..., None]
        keys, values = (
            each.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for each in keys_values.split([self._qk_channels, self._value_bias.shape[0]], dim=2)
        )
        logits = queries @ keys.transpose(2, 3)
        is_read: Tensor | None = None
        if mask is not None:
            is_read = mask.any(dim=1)[:, None, None]
            seen = (mask[:, None] | ~is_read)[:, None]
            # Equal logits where nothing may be looked at: the mean of all.
            logits = torch.where(seen, logits * is_read[:, None].to(logits.dtype), -torch.inf)
        context = (torch.softmax(logits, dim=-1) @ values).transpose(1, 2).flatten(2) + self._value_bias
        if self.zero_masked_rows and is_read is not None:
            context = context * is_read.to(context.dtype)
        return self.finish(context, latents)

    def _keys_and_values(self, inputs: LookedUp, group: Tensor, places: Tensor) -> Tensor:
        """[samples, bytes, qk_channels + v_channels] of the bytes at `places`."""
        ids = inputs.ids[group].gather(1, places)
        if inputs.positions is None:
            return self._sum(self._tables, ids, places)
        vectors = inputs.positions
        if vectors.ndim == 2:
            return self._sum(self._fold(vectors), ids, places)
        own = [
            self._sum(self._fold(vectors[sample]), ids[row : row + 1], places[row : row + 1])
            for row, sample in enumerate(group.tolist())
        ]
        return torch.cat(own)

    def _fold(self, positions: Tensor) -> SummedTables:
        return SummedTables.fold(self._ids, positions, self._weight, self._eps, self.working)

    @staticmethod
    def _sum(tables: SummedTables, ids: Tensor, places: Tensor) -> Tensor:
        rows = tables.ids[ids]
        rows += tables.positions[places]
        rows *= tables.scales[ids, places][..., None]
        return rows

    def _attend(
        self, queries: Tensor, keys_values: Tensor, hidden: Tensor | None, is_read: Tensor, budget: Budget
    ) -> Tensor:
        """[samples, num_latents, v_channels]: a few heads, or a few latents of a head, at a time."""
        samples, length, _ = keys_values.shape
        keys, values = (
            each.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for each in keys_values.split([self._qk_channels, self._value_bias.shape[0]], dim=2)
        )
        num_latents = self.latents.shape[0]
        if keys.device.type == "cuda" and bool(is_read.all()):
            return self._attend_fused(queries, keys, values, hidden)
        context = values.new_empty(samples, num_latents, self.num_heads, values.shape[3])
        latents_at_a_time = budget.rows(samples * length, num_latents)
        heads_at_a_time = max(1, budget.tile_values // (samples * length * latents_at_a_time))
        looks = is_read.to(keys.dtype)[:, None, None, None]
        for heads in pieces(self.num_heads, heads_at_a_time):
            for latents in pieces(num_latents, latents_at_a_time):
                logits = queries[:, heads, latents] @ keys[:, heads].transpose(2, 3)
                # Equal logits where nothing may be looked at: the mean of all.
                if not bool(is_read.all()):
                    logits *= looks
                if hidden is not None:
                    logits.masked_fill_(hidden[:, None, None, :], -torch.inf)
                attended = torch.softmax(logits, dim=-1) @ values[:, heads]
                context[:, latents, heads] = attended.transpose(1, 2)
        return context.flatten(2)

    def _attend_fused(self, queries: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None) -> Tensor:
        """The same on a GPU, where every sample is read: by a fused kernel, in the model's dtype as the plain model does."""
        queries = queries.expand(len(keys), -1, -1, -1).to(self.dtype)
        counts = None if hidden is None else ~hidden[:, None, None, :]
        context = F.scaled_dot_product_attention(
            queries, keys.to(self.dtype), values.to(self.dtype), attn_mask=counts, scale=1.0
        )
        return context.transpose(1, 2).flatten(2).to(keys.dtype)
