"""Writing on after a prompt, with what the model thought of every token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from perceivers.kinds.text.reading import is_path
from perceivers.models.generation.generating import Generated
from perceivers.models.generation.streaming import Streamer
from perceivers.tasks.base import Prediction
from perceivers.tasks.text_generation.answers import ids_of, said, stops_of
from perceivers.tasks.text_generation.codes import Codes
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.prompts import Prompt

NUM_ALTERNATIVES = 5


@dataclass(frozen=True)
class Thought:
    """A token and what the model gave for it.

    Args:
        id: of the token.
        probability: of it, given what comes before; None where nothing was asked.
        alternatives: the likeliest ids and their probabilities, falling.
    """

    id: int
    probability: float | None
    alternatives: tuple[tuple[int, float], ...] = ()


def continued(
    model: Any,
    codes: Codes,
    prompt: Prompt,
    arguments: TextGenerationArguments,
    *,
    seed: int = 0,
    streamer: Streamer | None = None,
) -> Prediction:
    """Write on.

    Args:
        model: a causal language model, prepared.
        codes: of the run.
        prompt: what is written on.
        arguments: how much and how.
        seed: of what is drawn.
        streamer: see PerceiverForCausalLM.generate.

    Returns:
        `values`, see `perceivers.tasks.text_generation.answers.said`; `shown` with the thoughts of prompt and continuation.
    """
    ids = torch.from_numpy(ids_of(codes, prompt))
    generated: Generated = model.generate(
        ids.to(model.device),
        arguments.max_new_tokens,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        repetition_penalty=arguments.repetition_penalty,
        suppress=codes.suppressed,
        stop=[codes.eos_id, *stops_of(codes, arguments.stop, prompt.values.dtype)],
        seed=seed,
        cache=arguments.cache,
        streamer=streamer,
        keep_logits=True,
    )
    new = generated.new_ids(0)
    logits = generated.logits
    assert logits is not None
    thoughts = [*_of_prompt(model, ids), *_of_scores(new, logits[0, : len(new)])]
    log_probs = generated.log_probs[0, : len(new)].cpu().numpy()
    values = said(codes, new, log_probs, bool(generated.is_stopped[0]))
    shown = {
        "thoughts": thoughts,
        "num_given": ids.shape[1] - 1,
        "codes": codes,
        "is_file": is_path(prompt.source),
    }
    return Prediction(prompt.source, values, shown)


@torch.no_grad()
def _of_prompt(model: Any, ids: Tensor) -> list[Thought]:
    """Thoughts of the prompt's tokens; of those further back than the model looks, nothing."""
    context = model.config.max_position_embeddings
    seen = ids[:, -context - 1 :]
    if seen.shape[1] < 2:
        return []
    logits = model(seen[:, :-1].to(model.device), num_latents=seen.shape[1] - 1).logits[0]
    tokens = ids[0, 1:].tolist()
    known = _of_scores(tokens[len(tokens) - len(logits) :], logits)
    return [Thought(each, None) for each in tokens[: len(tokens) - len(logits)]] + known


def _of_scores(tokens: Sequence[int], logits: Tensor) -> list[Thought]:
    probabilities = logits.float().softmax(dim=-1).cpu()
    best = probabilities.topk(min(NUM_ALTERNATIVES, probabilities.shape[-1]), dim=-1)
    return [
        Thought(
            token,
            float(row[token]),
            tuple(zip(indices.tolist(), values.tolist(), strict=True)),
        )
        for token, row, indices, values in zip(tokens, probabilities, best.indices, best.values, strict=True)
    ]
