"""A table's model that starts as linear models of its columns, and learns from there what columns say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.answers.base import Answer
from perceivers.modalities.linear_tokens import LinearTokens
from perceivers.modalities.multimodal import PerceiverMultimodalPreprocessor
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Sample
from perceivers.tasks.table.features import side_by_side
from perceivers.tasks.table.linear_model import LinearModel, fit_linear

# Standard deviation of what a column says, in the channels of its token.
SPREAD = 0.5
# Samples that are told to the modalities at a time.
ROWS_AT_ONCE = 256


@torch.no_grad()
def start_as_linear_models(model: Any, columns: Columns, samples: Sequence[Sample], *, seed: int) -> None:
    """Set a model's tokens, and the maps that read them, so that each answer is what a linear model says.

    A linear model of the columns' encodings (bins of numbers, categories, n-grams) is fitted to each answer by its own loss.
    The weights of all answers [num_features, scores] are turned into the eigenvectors of their products, and become the first
    channels of the tokens: as many scores as channels are kept to the last digit, and of more the most telling directions.

    Args:
        model: a PerceiverForPrediction with a `token_rate` for each answer; changed in place.
        columns: settled columns, all of them numbers, dates, categories and texts as n-grams.
        samples: training samples, at least one.
        seed: of the division of the rows by which the models are held back.
    """
    parts = _parts(model.perceiver.input_preprocessor, _tensors(columns, samples[:1]))
    seen = _looked_at(parts, columns, samples)
    together = side_by_side([each.features for each in seen.values()])
    details = torch.cat([parts[name].is_detail(each.features.shape[1]) for name, each in seen.items()])
    generator = torch.Generator().manual_seed(seed)
    targets = columns.targets(samples)
    fitted = {
        name: _fitted(together, details, model.heads[name], answer, targets[name], generator)
        for name, answer in columns.answers.items()
    }
    num_tokens = sum(each.num_tokens for each in seen.values())
    num_channels = min(part.num_channels for part in parts.values())
    weights = torch.cat([each.weights for each in fitted.values()], dim=1)
    directions = torch.linalg.eigh(weights.T @ weights).eigenvectors.flip(1)[:, :num_channels]
    scale = _scale(together @ (weights @ directions), num_tokens)
    channels = (scale * (weights @ directions)).split([each.features.shape[1] for each in seen.values()])
    for (name, each), own in zip(seen.items(), channels, strict=True):
        parts[name].start_linear(own, each.inputs)
    # The maps read the mean over the tokens.
    rows = (num_tokens / scale * directions).split([each.weights.shape[1] for each in fitted.values()])
    for (name, model_of_answer), own in zip(fitted.items(), rows, strict=True):
        _fill(model.token_readers[name], own, model_of_answer.added)


@dataclass(frozen=True)
class _Seen:
    """What a modality is told of the training samples: features, its inputs if these are small, tokens of a sample."""

    features: Tensor
    inputs: Tensor | None
    num_tokens: int


def _tensors(columns: Columns, samples: Sequence[Sample]) -> dict[str, Tensor]:
    return {name: each.values for name, each in columns.tensors([each.values for each in samples]).items()}


def _looked_at(parts: Mapping[str, Any], columns: Columns, samples: Sequence[Sample]) -> dict[str, _Seen]:
    """By modality. Texts are looked at a few at a time: as inputs, each takes as much room as the longest."""
    found: dict[str, list[Tensor]] = {name: [] for name in parts}
    num_tokens = {}
    for begin in range(0, len(samples), ROWS_AT_ONCE):
        for name, inputs in _tensors(columns, samples[begin : begin + ROWS_AT_ONCE]).items():
            found[name].append(parts[name].linear_features(inputs) if parts[name].is_sparse else inputs)
            num_tokens[name] = math.prod(parts[name].index_dims(inputs))
    seen = {}
    for name, each in found.items():
        whole = torch.cat(each)
        is_sparse = parts[name].is_sparse
        features = whole if is_sparse else parts[name].linear_features(whole)
        seen[name] = _Seen(features, None if is_sparse else whole, num_tokens[name])
    return seen


def _parts(preprocessor: Any, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    """The modalities by name, all of them linear."""
    several = isinstance(preprocessor, PerceiverMultimodalPreprocessor)
    parts = {name: preprocessor.modalities[name] if several else preprocessor for name in inputs}
    assert all(isinstance(part, LinearTokens) and part.is_linear for part in parts.values())
    return parts


def _fitted(
    features: Tensor,
    details: Tensor,
    head: Any,
    answer: Answer,
    targets: Tensor,
    generator: torch.Generator,
) -> LinearModel:
    def losses(scores: Tensor, rows: Tensor) -> Tensor:
        return answer.losses(head.said(scores[:, None]), targets[rows])

    return fit_linear(features, losses, head.num_outputs, generator, details)


def _scale(said: Tensor, num_tokens: int) -> float:
    """What tokens are multiplied by, so that a token says about as much as its other channels."""
    spread = float(said.std()) if len(said) > 1 else 0.0
    return SPREAD * math.sqrt(num_tokens) / max(spread, 1e-6)


@torch.no_grad()
def _fill(reading: Any, directions: Tensor, added: Tensor) -> None:
    """Let each query say `directions` of the tokens' first channels, and `added`."""
    linear: nn.Linear = reading.linear
    each = linear.weight.new_zeros(len(directions), linear.in_features)
    each[:, : directions.shape[1]] = directions.to(each)
    linear.weight.copy_(each.repeat(reading.num_queries, 1))
    linear.bias.copy_(added.to(linear.bias).repeat(reading.num_queries))
