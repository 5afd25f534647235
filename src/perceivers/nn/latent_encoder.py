"""The encoder's loop: latents look at the inputs once, then at each other, block after block with shared weights."""

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
        cross_attention: [batch, heads, num_latents, num_inputs], if recorded.
    """

    latents: Tensor
    hidden_states: list[Tensor] = field(default_factory=list)
    attentions: list[Tensor] = field(default_factory=list)
    cross_attention: Tensor | None = None


def encode_latents(
    latents: Tensor,
    inputs: Tensor,
    *,
    cross_attention: AttentionLayer,
    self_attends: Sequence[AttentionLayer],
    num_blocks: int,
    input_mask: Tensor | None = None,
    latent_mask: Tensor | None = None,
    need_weights: bool = False,
    need_hidden_states: bool = False,
    recompute: bool = False,
    cross_order: Order | None = None,
    latent_orders: Sequence[Order] | None = None,
) -> LatentTrace:
    """One cross-attend, then `num_blocks` times the same self-attend layers (Perceiver IO, section 3.1).

    Args:
        latents: [batch, num_latents, channels], the learned array.
        inputs: [batch, num_inputs, input_channels].
        cross_attention: the layer in which latents look at inputs.
        self_attends: the layers of one block.
        num_blocks: how often the block is applied.
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

    latents, weights = run(cross_attention, cross_order, latents, None, inputs, input_mask)
    trace = LatentTrace(latents, cross_attention=weights)
    for block in range(num_blocks):
        for index, layer in enumerate(self_attends):
            order = None if latent_orders is None else latent_orders[block * len(self_attends) + index]
            if need_hidden_states:
                trace.hidden_states.append(latents)
            latents, weights = run(layer, order, latents, latent_mask, None, None)
            if weights is not None:
                trace.attentions.append(weights)
        if need_hidden_states:
            trace.hidden_states.append(latents)
    trace.latents = latents
    return trace
