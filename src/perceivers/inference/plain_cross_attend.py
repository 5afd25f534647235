"""A cross-attend that is not folded: the plain layer, a few samples at a time."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from perceivers.inference.budget import Budget, pieces
from perceivers.inference.cross_attention import Grouped, Take
from perceivers.inference.tracing import is_traced
from perceivers.nn.attention_layer import AttentionLayer


class PlainCrossAttend:
    """Latents look at tokens that were built whole, as in the plain model.

    Args:
        layer: the cross-attend.
        latents: the learned ones, [num_latents, channels].
        take: see Take.
    """

    def __init__(self, layer: AttentionLayer, latents: Tensor, take: Take[Any]) -> None:
        self._layer = cast("AttentionLayer", take(layer)).eval().requires_grad_(False)
        self._latents = latents
        projections = layer.attention.self
        # Normed inputs, keys and values of a token exist at the same time.
        self._values_a_token = sum(
            (
                projections.key.in_features,
                projections.key.out_features,
                projections.value.out_features,
            )
        )

    def __call__(
        self, inputs: Grouped, mask: Tensor | None, budget: Budget, latents: Tensor | None = None
    ) -> Tensor:
        """Latents after the layer, [batch, num_latents, channels].

        Args:
            inputs: the tokens, whole.
            mask: bool [batch, num_tokens], True where a token counts.
            budget: how much is computed at a time.
            latents: those that look; None: the learned ones.
        """
        (part,) = inputs.parts.values()
        tokens = cast("Tensor", part.features)
        if latents is None:
            latents = self._latents.expand(inputs.batch_size, -1, -1)
        if is_traced():
            looked: Tensor = self._layer(latents, inputs=tokens, inputs_mask=mask)[0]
            return looked
        num_keys = tokens.shape[1] + self._latents.shape[0]
        some = budget.samples(self._values_a_token * num_keys)
        return torch.cat(
            [
                self._layer(
                    latents[rows], inputs=tokens[rows], inputs_mask=None if mask is None else mask[rows]
                )[0]
                for rows in pieces(inputs.batch_size, some)
            ]
        )
