"""Text models for training: their configuration, new or a checkpoint's, and what their positions start from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.models.task import PerceiverTaskModel
from perceivers.nn.waves import wave_table, waves_at

# What a checkpoint says of its own labels and weights, not of its sizes.
OF_THE_CHECKPOINT = (
    "answers", "architectures", "dtype", "id2label", "label2id", "problem_type", "number_scales",
)  # fmt: skip

# Logit of a query and a key of equal places at the start of an aligned model, in a text where nothing but places counts.
SHARPNESS = 70.0


def text_config(
    values: Mapping[str, Any], start: PerceiverConfig | None = None, **own: Any
) -> PerceiverConfig:
    """Configuration of a text model.

    Args:
        values: keys of PerceiverConfig that the user chose, `max_position_embeddings` among them.
        start: of the checkpoint that a run starts from; its sizes then go before `values`, of which the dropout stays.
        own: further keys, whatever the checkpoint says.

    Raises:
        ConfigurationError: the checkpoint takes shorter texts than the user wants.
    """
    if start is None:
        return PerceiverConfig(**values, **own)
    wanted, known = values["max_position_embeddings"], start.max_position_embeddings
    if wanted > known:
        raise ConfigurationError(
            f"`max_length` must be at most {known}, what the checkpoint to start from takes, received {wanted}"
        )
    kept = {key: value for key, value in start.to_dict().items() if key not in OF_THE_CHECKPOINT}
    kept["attention_probs_dropout_prob"] = values["attention_probs_dropout_prob"]
    return PerceiverConfig.from_dict({**kept, **own})


def start_positions(model: PerceiverTaskModel, start: str) -> None:
    """Set what a new text model knows of positions: as they were drawn ("random"), "waves" or "aligned"."""
    if start in ("waves", "aligned"):
        start_with_waves(model)
    if start == "aligned":
        start_aligned(model)


@torch.no_grad()
def start_with_waves(model: PerceiverTaskModel) -> None:
    """Set the learned positions of a text model's inputs, and of outputs that have as many, to sines and cosines.

    They keep the size that random ones have; see `perceivers.nn.waves`.
    """
    std = model.config.initializer_range
    tables = [cast("Any", model.perceiver.input_preprocessor).position_embeddings.weight]
    if has_query_for_each_position(model):
        tables.append(cast("Any", model.perceiver.decoder).output_position_encodings.position_embeddings)
    for table in tables:
        table.copy_(wave_table(table.shape[0], table.shape[1], std).to(table))


@torch.no_grad()
def start_aligned(model: PerceiverTaskModel) -> None:
    """Let each latent read a stretch of the text, and each byte be asked of the latent nearest to it, from the first step on.

    Latents start as the waves of places that are spread evenly over the text. Where queries and keys are made by the same
    orthogonal matrix, their products are those of the waves themselves: largest for equal places. Needs positions that are
    waves (`start_with_waves`).

    Raises:
        ConfigurationError: the latents have other channels than the bytes.
    """
    latents = cast("Any", model.perceiver.embeddings).latents
    length, (count, channels) = model.config.max_position_embeddings, latents.shape
    if channels != model.config.d_model:
        raise ConfigurationError(
            f"`position_start` aligned needs as many `latent_channels` as `embedding_channels`, received {channels} and "
            f"{model.config.d_model}"
        )
    places = (torch.arange(count, dtype=torch.float64) + 0.5) * (length / count) - 0.5
    # Of unit size: smaller ones would be lost beside what attention adds to them.
    latents.copy_(waves_at(places, length, channels, 1.0).to(latents))
    layers = [cast("Any", model.perceiver.encoder).cross_attention]
    if has_query_for_each_position(model):
        layers.append(cast("Any", model.perceiver.decoder).decoding_cross_attention)
    for layer in layers:
        align(layer.attention.self.query, layer.attention.self.key, layer.attention.num_heads)


@torch.no_grad()
def align(query: nn.Linear, key: nn.Linear, num_heads: int) -> None:
    """Make queries and keys by the same orthogonal matrix, drawn anew.

    With u and v the normalised vectors [channels] of a query and of a key, the logits of the heads are on average
    u v / channels x SHARPNESS.
    """
    size, channels = query.weight.shape
    drawn = torch.empty_like(query.weight)
    nn.init.orthogonal_(drawn)
    # A head's logit is a product of size / num_heads channels over the root of their number.
    shrunk = math.sqrt(size * num_heads) / min(size, channels)
    for layer in (query, key):
        layer.weight.copy_(drawn * math.sqrt(SHARPNESS * shrunk))


def has_query_for_each_position(model: PerceiverTaskModel) -> bool:
    """Whether the decoder has a learned query for each position of the text."""
    queries = getattr(cast("Any", model.perceiver.decoder), "output_position_encodings", None)
    return (
        queries is not None and queries.position_embeddings.shape[0] == model.config.max_position_embeddings
    )
