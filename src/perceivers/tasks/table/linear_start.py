"""A table's model that starts as linear models of its columns, and learns from there what columns say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.answers.base import Answer
from perceivers.modalities.linear_tokens import LinearTokens
from perceivers.modalities.multimodal import PerceiverMultimodalPreprocessor
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Sample
from perceivers.tasks.table.features import Features
from perceivers.tasks.table.linear_model import LinearModel, fit_linear

# Standard deviation of what a column says, in the channels of its token.
SPREAD = 0.5


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
    inputs = {name: each.values for name, each in columns.tensors([each.values for each in samples]).items()}
    parts = _parts(model.perceiver.input_preprocessor, inputs)
    features = [Features.of(part.linear_features(inputs[name])) for name, part in parts.items()]
    together = torch.cat([each.values for each in features], dim=1)
    generator = torch.Generator().manual_seed(seed)
    targets = columns.targets(samples)
    fitted = {
        name: _fitted(together, model.heads[name], answer, targets[name], generator)
        for name, answer in columns.answers.items()
    }
    num_tokens = sum(math.prod(part.index_dims(inputs[name])) for name, part in parts.items())
    num_channels = min(part.num_channels for part in parts.values())
    weights = torch.cat([each.weights for each in fitted.values()], dim=1)
    directions = torch.linalg.eigh(weights.T @ weights).eigenvectors.flip(1)[:, :num_channels]
    scale = _scale(together @ (weights @ directions), num_tokens)
    channels = (scale * (weights @ directions)).split([each.values.shape[1] for each in features])
    for (name, part), each, own in zip(parts.items(), features, channels, strict=True):
        part.start_linear(each.unturned(own), inputs[name])
    # The maps read the mean over the tokens.
    rows = (num_tokens / scale * directions).split([each.weights.shape[1] for each in fitted.values()])
    for (name, each), own in zip(fitted.items(), rows, strict=True):
        _fill(model.token_readers[name], own, each.added)


def _parts(preprocessor: Any, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    """The modalities by name, all of them linear."""
    several = isinstance(preprocessor, PerceiverMultimodalPreprocessor)
    parts = {name: preprocessor.modalities[name] if several else preprocessor for name in inputs}
    assert all(isinstance(part, LinearTokens) and part.is_linear for part in parts.values())
    return parts


def _fitted(
    features: Tensor, head: Any, answer: Answer, targets: Tensor, generator: torch.Generator
) -> LinearModel:
    def losses(scores: Tensor, rows: Tensor) -> Tensor:
        return answer.losses(head.said(scores[:, None]), targets[rows])

    return fit_linear(features, losses, head.num_outputs, generator)


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
