"""The encoder's loop: latents look at the inputs, once or again and again, and at each other in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from perceivers.nn.attention_layer import AttentionLayer, Order


@dataclass
class LatentTrace:
    """What happened on the way through the encoder.

    Attributes:
        latents: [batch, num_latents, channels] after the last layer.
        hidden_states: for every block its layers' inputs, then its output, if recorded.
        attentions: self-attention weights [batch, heads, num_latents, num_latents] of every layer, if recorded.
        cross_attentions: one [batch, heads, num_latents, num_inputs] for each cross-attend, if recorded.
    """

    latents: Tensor
    hidden_states: list[Tensor] = field(default_factory=list)
    attentions: list[Tensor] = field(default_factory=list)
    cross_attentions: list[Tensor] = field(default_factory=list)


def spread_places(num_cross_attends: int, num_self_attends: int) -> list[int]:
    """Number of self-attends before each cross-attend, where these are spread evenly; the first has none before it."""
    return [index * num_self_attends // num_cross_attends for index in range(num_cross_attends)]


def consecutive_part(length: int, index: int, num_parts: int) -> slice:
    """The `index`-th of `num_parts` parts of a row, as long as each other but for one."""
    return slice(index * length // num_parts, (index + 1) * length // num_parts)


def encode_latents(
    latents: Tensor,
    inputs: Tensor,
    *,
    cross_attention: AttentionLayer,
    self_attends: Sequence[AttentionLayer],
    num_blocks: int,
    more_cross_attends: Sequence[AttentionLayer] = (),
    places: Sequence[int] = (0,),
    by_parts: bool = False,
    shared: bool = True,
    input_mask: Tensor | None = None,
    latent_mask: Tensor | None = None,
    need_weights: bool = False,
    need_hidden_states: bool = False,
    recompute: bool = False,
    cross_order: Order | None = None,
    latent_orders: Sequence[Order] | None = None,
) -> LatentTrace:
    """Cross-attends among self-attends: one before all (Perceiver IO, section 3.1), or several (the first Perceiver).

    Args:
        latents: [batch, num_latents, channels], the learned array.
        inputs: [batch, num_inputs, input_channels].
        cross_attention: the first layer in which latents look at inputs.
        self_attends: the layers of one block; where they are not shared, those of all blocks.
        num_blocks: how many blocks there are.
        more_cross_attends: further layers in which latents look at inputs, in their order; one may stand there repeatedly.
        places: for each cross-attend how many self-attends come before it, ascending.
        by_parts: each cross-attend sees a part of the inputs of its own, one after the other; else each sees all.
        shared: every block has the same weights.
        input_mask: which inputs may be looked at, in any form of `perceivers.nn.attention.as_attention_mask`.
        latent_mask: which latents may be looked at, likewise.
        need_weights: record attention weights.
        need_hidden_states: record latents.
        recompute: keep no activations inside layers; compute them again for the gradient (gradient checkpointing).
        cross_order: how latents and inputs follow each other, where both are sequences.
        latent_orders: how latents follow each other, for each layer that is executed, blocks one after another.
    """

    def run(
        layer: AttentionLayer, order: Order | None, *arguments: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        # A layer of one's own need not know of orders.
        asked = (*arguments, need_weights) if order is None else (*arguments, need_weights, order)
        output = checkpoint(layer, *asked, use_reentrant=False) if recompute else layer(*asked)
        return output[0], output[1] if need_weights else None

    trace = LatentTrace(latents)
    waiting = list(zip(places, (cross_attention, *more_cross_attends), strict=True))
    num_parts = len(waiting)

    def look(latents: Tensor, done: int) -> Tensor:
        """Latents after the cross-attends that stand behind so many self-attends."""
        while waiting and waiting[0][0] <= done:
            _, layer = waiting.pop(0)
            seen, mask = inputs, input_mask
            if by_parts:
                part = consecutive_part(inputs.shape[1], num_parts - len(waiting) - 1, num_parts)
                seen, mask = inputs[:, part], None if mask is None else mask[..., part]
            latents, weights = run(layer, cross_order, latents, None, seen, mask)
            if weights is not None:
                trace.cross_attentions.append(weights)
        return latents

    done = 0
    length = len(self_attends) if shared else len(self_attends) // num_blocks
    for block in range(num_blocks):
        layers = self_attends if shared else self_attends[block * length : (block + 1) * length]
        for layer in layers:
            latents = look(latents, done)
            order = None if latent_orders is None else latent_orders[done]
            if need_hidden_states:
                trace.hidden_states.append(latents)
            latents, weights = run(layer, order, latents, latent_mask, None, None)
            done += 1
            if weights is not None:
                trace.attentions.append(weights)
        if not layers:
            latents = look(latents, done)
        if need_hidden_states:
            trace.hidden_states.append(latents)
    trace.latents = look(latents, done)
    return trace
