"""A HierarchicalPerceiver in its exact fast form: self-attends folded, the questions of all positions made once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.inference.budget import Budget, pieces
from perceivers.inference.cross_attention import Take
from perceivers.inference.latent_layer import FoldedSelfAttend, can_fold
from perceivers.inference.prepared_decoder import Progress
from perceivers.inference.rounding import Rounding
from perceivers.inference.tracing import is_traced
from perceivers.models.hierarchical_perceiver import HierarchicalPerceiver
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.hierarchy_block import HierarchyBlock

PLAIN_PARTS = {
    "cross_attends": "every group has latents of its own, and above the first level their keys are the latents of other "
    "levels: cross-attends run as the plain layers, some groups at a time"
}
# Arrays of the tokens' size that a cross-attend makes: normed tokens, keys, values and what is gathered for them.
_ARRAYS_OF_TOKENS = 4


class PreparedBlock:
    """One level, see HierarchyBlock.

    Args:
        block: the plain level, in evaluation mode.
        budget: how much is computed at a time.
        take: see Take.
        rounding: how the self-attends are rounded.
    """

    def __init__(self, block: HierarchyBlock, budget: Budget, take: Take[Any], rounding: Rounding) -> None:
        self.groups, self.num_latents, self.channels = block.groups, block.num_latents, block.channels
        self._budget = budget
        self._latents = block.latents.weight.detach().clone().unflatten(0, (block.groups, block.num_latents))
        self._skip = None if block.skip is None else take(block.skip)
        self._cross_attention: nn.Module = take(block.cross_attention)
        self._self_attends: list[Callable[[Tensor], Tensor]] = []
        for layer in block.self_attends:
            if can_fold(layer):
                folded = FoldedSelfAttend(
                    cast("AttentionLayer", layer),
                    rounding.make_map,
                    budget.tile_values,
                    inner=rounding.inner,
                )
                self._self_attends.append(folded)
                continue
            own = take(layer)
            rounding.round_linears(own)
            self._self_attends.append(_plain(own))

    def __call__(self, tokens: Tensor, skipped: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """See HierarchyBlock."""
        batch_size, num_tokens = tokens.shape[0], tokens.shape[2]
        queries = self._latents.expand(batch_size, -1, -1, -1)
        if skipped is not None:
            queries = queries + (skipped if self._skip is None else self._skip(skipped))
        queries, tokens = queries.flatten(0, 1), tokens.flatten(0, 1)
        seen = None if mask is None else mask.flatten(0, 1)[:, None]
        kept = _ARRAYS_OF_TOKENS * (num_tokens * tokens.shape[2] + self.num_latents * self.channels)
        parts = []
        for some in _pieces(queries.shape[0], self._budget.samples(kept)):
            own = None if seen is None else seen[some]
            latents = self._cross_attention(queries[some], None, tokens[some], own)[0]
            for layer in self._self_attends:
                latents = layer(latents)
            parts.append(latents)
        return torch.cat(parts).unflatten(0, (batch_size, self.groups))


class PreparedHead:
    """What positions ask of the latents of their group, some of them at a time.

    Args:
        head: the plain layer, in evaluation mode.
        budget: how much is computed at a time.
        progress: told how far a decode is.
    """

    def __init__(self, head: nn.Module, budget: Budget, progress: Progress | None) -> None:
        self._head, self._budget, self._progress = head, budget, progress

    def __call__(self, queries: Tensor, _mask: None, latents: Tensor) -> tuple[Tensor]:
        """Answers, shaped as the queries [batch, num_queries, channels], of latents [batch, num_latents, channels]."""
        count = queries.shape[0] * queries.shape[1]
        rows = self._budget.rows(latents.shape[1] + _ARRAYS_OF_TOKENS * queries.shape[2], queries.shape[1])
        together = self._budget.samples(_ARRAYS_OF_TOKENS * (rows * queries.shape[2] + latents[0].numel()))
        answers, done = [], 0
        for some in _pieces(queries.shape[0], together):
            parts = [
                self._head(queries[some, part], None, latents[some])[0]
                for part in _pieces(queries.shape[1], rows)
            ]
            answers.append(torch.cat(parts, dim=1))
            done += answers[-1].shape[0] * answers[-1].shape[1]
            if self._progress is not None:
                self._progress(done, count)
        return (torch.cat(answers),)


def prepare_hierarchy(
    model: HierarchicalPerceiver,
    budget: Budget,
    take: Take[Any],
    progress: Progress | None,
    rounding: Rounding,
) -> HierarchicalPerceiver:
    """A shallow copy of the model around prepared levels, whose own methods then do the rest.

    Args:
        model: the plain model.
        budget: how much is computed at a time.
        take: see Take.
        progress: told how far a decode is.
        rounding: how the self-attends are rounded.
    """
    shell = copy.copy(model)
    changed = ("blocks", "head", "processor_head")
    children: dict[str, Any] = {
        name: take(child).eval().requires_grad_(False)
        for name, child in model.named_children()
        if name not in changed
    }
    own = _in_evaluation(take)
    blocks = cast("Sequence[HierarchyBlock]", model.blocks)
    children["blocks"] = [PreparedBlock(block, budget, own, rounding) for block in blocks]
    children["head"] = PreparedHead(own(model.head), budget, progress)
    labels = model.processor_head
    children["processor_head"] = None if labels is None else PreparedHead(own(labels), budget, None)
    vars(shell)["_modules"] = children
    shell.config = copy.deepcopy(model.config)
    shell.training = False
    return shell


def _pieces(length: int, size: int) -> Iterable[slice]:
    """See `pieces`; in a graph that is captured all at once: how many there are may be free there."""
    return [slice(None)] if is_traced() else pieces(length, size)


def _in_evaluation(take: Take[Any]) -> Take[Any]:
    return lambda part: take(part).eval().requires_grad_(False)


def _plain(layer: nn.Module) -> Callable[[Tensor], Tensor]:
    """A layer that is not folded, from latents to latents."""
    return lambda latents: cast("Tensor", layer(latents)[0])
