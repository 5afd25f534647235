"""The file that writes on: tokens and what is kept of those before them in, scores and what is kept then out.

One file does the first look at a prompt, whose tokens are partly no latents, and every step after it, one token at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.export.calls import Call, Tensors
from perceivers.export.proof import Compute, Proof, prove
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.models.generation.given_cache import GivenCache
from perceivers.nn.attention_layer import AttentionLayer
from perceivers.runtime.steps import (
    AFTER,
    AFTER_KEYS,
    AFTER_VALUES,
    BEFORE,
    BEFORE_KEYS,
    BEFORE_VALUES,
    POSITION,
    PREFIX,
    STEP,
    TOKENS,
)

# Sizes that a file is traced with: all different, so that none is taken for another, and none of them one.
_BATCH, _PREFIX, _TOKENS = 7, 3, 2
# Of the call before, whose tokens are kept.
_PREFIX_BEFORE, _TOKENS_BEFORE = 1, 4
_LEAST_CONTEXT = _PREFIX_BEFORE + _TOKENS_BEFORE


def writes_on(model: Any) -> bool:
    """Whether a model writes on, and its file can: positions of several axes are no count."""
    return (
        isinstance(model, PerceiverForCausalLM)
        and len(model.position_embeddings) <= 1
        and model.config.max_position_embeddings >= _LEAST_CONTEXT
    )


def write_steps(
    model: PerceiverForCausalLM,
    write: Callable[[Call, Mapping[str, Tensor]], tuple[Path, Compute]],
    ids: Tensor,
) -> tuple[Path, Call, Mapping[str, Tensor], Proof]:
    """Write the file, and compare it with the model at the first look, at one in between, and at steps of one token.

    Args:
        model: plain.
        write: from a call and what it gives of its sample to a path, and what runs the file.
        ids: of samples, [batch, length].

    Returns:
        Its path, its call, what the model gives of its sample, how far it is off.
    """

    def sample(
        batch: int, prefix: int, tokens: int, after: Mapping[str, Tensor] | None = None, position: int = 0
    ) -> Tensors:
        rows, columns = torch.arange(batch) % ids.shape[0], torch.arange(prefix + tokens) % ids.shape[1]
        chosen = ids[rows][:, columns]
        kept = _nothing_kept(model, batch)
        if after is not None:
            kept = {name: after[name.replace(BEFORE, AFTER, 1)] for name in kept}
        first = torch.full((1,), position)
        return {PREFIX: chosen[:, :prefix], TOKENS: chosen[:, prefix:], POSITION: first, **kept}

    with torch.no_grad():
        before = _step(model, sample(_BATCH, _PREFIX_BEFORE, _TOKENS_BEFORE))
        # A table of positions may end behind what is kept: numbers from the start prove as much.
        traced = sample(_BATCH, _PREFIX, _TOKENS, before)
        outputs = _step(model, traced)
        alone = _step(model, sample(1, 0, 3))
    free = {name: () if name == POSITION else (0, 1) for name in traced}
    call = Call(STEP, _step, traced, free)
    path, run = write(call, outputs)
    others = [
        sample(2, _PREFIX_BEFORE, _TOKENS_BEFORE),
        sample(1, 0, 3),
        sample(1, 0, 1, alone, position=3),
    ]
    return path, call, outputs, prove(partial(_step, model), run, [traced, *others])


def _step(form: Any, tensors: Mapping[str, Tensor]) -> Tensors:
    """One look, see the module; of any form of the model."""
    count = sum(name.startswith(BEFORE_KEYS) for name in tensors)
    kept = [(tensors[f"{BEFORE_KEYS}{index}"], tensors[f"{BEFORE_VALUES}{index}"]) for index in range(count)]
    cache = GivenCache(kept, tensors[POSITION])
    call = form.forward if isinstance(form, nn.Module) else form
    output = call(
        torch.cat([tensors[PREFIX], tensors[TOKENS]], dim=1),
        num_latents=tensors[TOKENS].shape[1],
        cache=cast("Any", cache),
        return_dict=True,
    )
    found = {"logits": output.logits}
    for index, (keys, values) in enumerate(cache.kept):
        found |= {f"{AFTER_KEYS}{index}": keys, f"{AFTER_VALUES}{index}": values}
    return found


def _nothing_kept(model: PerceiverForCausalLM, batch: int) -> Tensors:
    """What is kept before anything has been looked at."""
    layer = cast("AttentionLayer", model.encoder.self_attends[0])
    layers = model.config.num_blocks * model.config.num_self_attends_per_block
    found = {}
    for index, each in enumerate([model.encoder.cross_attention, *[layer] * layers]):
        made = each.attention.self
        found[f"{BEFORE_KEYS}{index}"] = torch.zeros(batch, 0, made.key.out_features)
        found[f"{BEFORE_VALUES}{index}"] = torch.zeros(batch, 0, made.value.out_features)
    return found
