"""Where an answer of a trained model looked: the weight of every token, by modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def attention_of_answer(
    model: Any, inputs: Mapping[str, Tensor], given: Mapping[str, Any], query: int = 0
) -> tuple[dict[str, Tensor], dict[str, tuple[int, ...]]]:
    """Weight that an answer about one sample gives each token, see `attention_through_latents`.

    Args:
        model: with `encode` and `decode`.
        inputs: of one sample, by modality.
        given: what the model is called with for it.
        query: number of the answer's query.

    Returns:
        Modality -> weights [num_tokens] on the processor, all of them summing to 1; modality -> sizes of its grid of tokens.
    """
    encoded = model.encode(**given, output_attentions=True)
    decoded = model.decode(encoded, output_attentions=True)
    looked = encoded.cross_attentions
    if model.config.latents_as_keys:
        # Keys are the tokens, then the latents: what these gave each other came from no token of this look.
        looked = [each[..., : -model.config.num_latents] for each in looked]
    of_tokens = _over_cross_attends(looked, model.config.cross_attend_inputs == "parts")
    weights = attention_through_latents(of_tokens, decoded.cross_attentions[0], query).cpu()
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    preprocessor = model.perceiver.input_preprocessor
    if encoded.modality_sizes is None:
        ((name, values),) = inputs.items()
        return {name: weights[0]}, {name: tuple(preprocessor.index_dims(values))}
    parts = attention_by_modality(weights, encoded.modality_sizes)
    return {name: part[0] for name, part in parts.items()}, {
        name: tuple(preprocessor.modalities[name].index_dims(inputs[name])) for name in parts
    }


def _over_cross_attends(weights: Sequence[Tensor], by_parts: bool) -> Tensor:
    """Attention of the latents over all cross-attends together, [batch, heads, latents, tokens]: their mean.

    Args:
        weights: of each of them.
        by_parts: each saw a part of the tokens, and nothing of the others.
    """
    if len(weights) == 1:
        return weights[0]
    return torch.cat(list(weights), dim=-1) / len(weights) if by_parts else torch.stack(list(weights)).mean(0)


def attention_through_latents(to_tokens: Tensor, to_latents: Tensor, query: int) -> Tensor:
    """Weight that an answer gives each token: its attention to the latents times theirs to the tokens.

    Args:
        to_tokens: attention of the latents, [batch, heads, latents, tokens].
        to_latents: attention of the queries, [batch, heads, queries, latents].
        query: number of the answer's query.

    Returns:
        [batch, tokens], each row summing to 1.
    """
    of_latents, of_queries = to_tokens.mean(dim=1), to_latents.mean(dim=1)
    return (of_queries[:, query : query + 1] @ of_latents)[:, 0]


def attention_by_modality(weights: Tensor, sizes: Mapping[str, int]) -> dict[str, Tensor]:
    """Weights of an answer over all tokens [batch, num_tokens], divided among the modalities, in their order."""
    return dict(zip(sizes, torch.split(weights, list(sizes.values()), dim=1), strict=True))
