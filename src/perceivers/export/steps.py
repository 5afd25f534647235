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
    AFTER_INPUTS,
    AFTER_LATENTS,
    INPUTS,
    LATENTS,
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
    compute = partial(_step, widths=_key_channels(model))
    empty = _nothing_kept(model)

    def sample(
        batch: int, prefix: int, tokens: int, before: Mapping[str, Tensor] | None = None, shift: int = 0
    ) -> Tensors:
        rows = torch.arange(batch) % ids.shape[0]
        columns = (shift + torch.arange(prefix + tokens)) % ids.shape[1]
        chosen = ids[rows][:, columns]
        kept = {name: each(batch) for name, each in empty.items()}
        if before is not None:
            kept = {INPUTS: before[AFTER_INPUTS][:batch], LATENTS: before[AFTER_LATENTS][:, :batch]}
        return {
            PREFIX: chosen[:, :prefix],
            TOKENS: chosen[:, prefix:],
            # Numbers that a table of positions has; that they go on from what is kept means nothing here.
            POSITION: torch.zeros(1, dtype=torch.int64),
            **kept,
        }

    with torch.no_grad():
        first = compute(model, sample(_BATCH, _PREFIX_BEFORE, _TOKENS_BEFORE))
        traced = sample(_BATCH, _PREFIX, _TOKENS, first, _LEAST_CONTEXT)
        outputs = compute(model, traced)
        alone = compute(model, sample(1, 0, 3))
    free = {
        PREFIX: (0, 1),
        TOKENS: (0, 1),
        POSITION: (),
        INPUTS: (0, 1),
        LATENTS: (1, 2),
    }
    call = Call(STEP, compute, traced, free)
    path, run = write(call, outputs)
    others = [
        sample(2, _PREFIX_BEFORE, _TOKENS_BEFORE, shift=1),
        sample(1, 0, 3, shift=2),
        {**sample(1, 0, 1, alone, shift=3), POSITION: torch.tensor([3])},
    ]
    return path, call, outputs, prove(partial(compute, model), run, [traced, *others])


def _step(form: Any, tensors: Mapping[str, Tensor], *, widths: tuple[int, int]) -> Tensors:
    """One look, see the module; of any form of the model."""
    cache = GivenCache(tensors[INPUTS], tensors[LATENTS], tensors[POSITION], widths)
    call = form.forward if isinstance(form, nn.Module) else form
    output = call(
        torch.cat([tensors[PREFIX], tensors[TOKENS]], dim=1),
        num_latents=tensors[TOKENS].shape[1],
        cache=cast("Any", cache),
        return_dict=True,
    )
    return {
        "logits": output.logits,
        AFTER_INPUTS: cache.cross.after,
        AFTER_LATENTS: torch.stack([each.after for each in cache.layers]),
    }


def _attentions(model: PerceiverForCausalLM) -> tuple[Any, Any]:
    layer = cast("AttentionLayer", model.encoder.self_attends[0])
    return model.encoder.cross_attention.attention.self, layer.attention.self


def _key_channels(model: PerceiverForCausalLM) -> tuple[int, int]:
    cross, layer = _attentions(model)
    return cross.key.out_features, layer.key.out_features


def _nothing_kept(model: PerceiverForCausalLM) -> dict[str, Callable[[int], Tensor]]:
    """What is kept before anything has been looked at, for a number of rows."""
    cross, layer = (each.key.out_features + each.value.out_features for each in _attentions(model))
    layers = model.config.num_blocks * model.config.num_self_attends_per_block
    return {
        INPUTS: lambda batch: torch.zeros(batch, 0, cross),
        LATENTS: lambda batch: torch.zeros(layers, batch, 0, layer),
    }
