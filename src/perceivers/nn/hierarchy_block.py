"""One level of the Hierarchical Perceiver: the tokens of a group into the latents of that group, with shared weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.groups import draw_without_repeats
from perceivers.nn.initialization import start_with_std


class LearnedTable(nn.Module):
    """Learned vectors `weight` [length, channels] with a first standard deviation of 1 / sqrt(length), as the original has.

    Args:
        length: number of vectors.
        channels: of each.
    """

    def __init__(self, length: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, channels))
        start_with_std(self, 1 / math.sqrt(length))


class HierarchyBlock(nn.Module):
    """Latents of each group look at the tokens of that group, then at each other.

    All groups share the layers; every group has latents of its own.

    Args:
        groups: number of groups.
        num_latents: latents of each.
        channels: of the latents.
        input_channels: of the tokens.
        skip_channels: of the latents of an earlier level that are added to the queries; None for none.
        cross_attention: latents [channels] that look at tokens [input_channels].
        self_attends: layers of the latents.
        training_latents: latents of each group that a pass in training mode uses, drawn anew for every sample and group, in
            random order; None: all.
    """

    def __init__(
        self,
        groups: int,
        num_latents: int,
        channels: int,
        input_channels: int,
        skip_channels: int | None,
        cross_attention: AttentionLayer,
        self_attends: list[AttentionLayer],
        training_latents: int | None = None,
    ) -> None:
        super().__init__()
        self.groups = groups
        self.num_latents = num_latents
        self.channels = channels
        self.input_channels = input_channels
        self.training_latents = training_latents
        self.latents = LearnedTable(groups * num_latents, channels)
        projected = skip_channels is not None and skip_channels != channels
        self.skip = nn.Linear(skip_channels, channels) if projected and skip_channels else None
        self.cross_attention = cross_attention
        self.self_attends = nn.ModuleList(self_attends)
        self.gradient_checkpointing = False

    def forward(self, tokens: Tensor, skipped: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Latents of every group.

        Args:
            tokens: [batch, groups, num_tokens, input_channels].
            skipped: [batch, groups, num_latents, skip_channels].
            mask: bool [batch, groups, num_latents, num_tokens], True where a latent may look. One that may look at nothing
                receives nothing.

        Returns:
            [batch, groups, num_latents, channels].
        """
        batch_size = tokens.shape[0]
        queries = self.queries(batch_size, tokens.device)
        if skipped is not None:
            queries = queries + (skipped if self.skip is None else self.skip(skipped))
        # Groups are samples of their own: attention never crosses them.
        flat_mask = None if mask is None else mask.flatten(0, 1)[:, None]
        latents = self._run(
            self.cross_attention, queries.flatten(0, 1), None, tokens.flatten(0, 1), flat_mask
        )
        for layer in self.self_attends:
            latents = self._run(layer, latents)
        return latents.unflatten(0, (batch_size, self.groups))

    def queries(self, batch_size: int, device: torch.device) -> Tensor:
        """The learned latents [batch, groups, num_latents, channels], or those of them that a training pass uses."""
        latents = self.latents.weight.unflatten(0, (self.groups, self.num_latents))
        if not self.training or self.training_latents is None:
            return latents.expand(batch_size, -1, -1, -1)
        rows = draw_without_repeats(
            batch_size * self.groups, self.num_latents, self.training_latents, device
        ).unflatten(0, (batch_size, self.groups))
        groups = torch.arange(self.groups, device=device)[None, :, None]
        return latents[groups, rows]

    def _run(self, layer: nn.Module, *arguments: Tensor | None) -> Tensor:
        output: tuple[Tensor, ...]
        if self.gradient_checkpointing and self.training:
            output = checkpoint(layer, *arguments, use_reentrant=False)
        else:
            output = layer(*arguments)
        return output[0]
