"""Text models for training: their configuration, new or a checkpoint's, and what their positions start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.models.task import PerceiverTaskModel
from perceivers.nn.waves import wave_table

# What a checkpoint says of its own labels and weights, not of its sizes.
OF_THE_CHECKPOINT = (
    "architectures", "dtype", "id2label", "label2id", "problem_type", "tasks", "task_mlp_layers", "number_scales",
)  # fmt: skip


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


@torch.no_grad()
def start_with_waves(model: PerceiverTaskModel) -> None:
    """Set the learned positions of a text model's inputs, and of outputs that have as many, to sines and cosines.

    They keep the size that random ones have; see `perceivers.nn.waves`.
    """
    std = model.config.initializer_range
    tables = [cast("Any", model.perceiver.input_preprocessor).position_embeddings.weight]
    queries = getattr(cast("Any", model.perceiver.decoder), "output_position_encodings", None)
    if queries is not None and queries.position_embeddings.shape[0] == tables[0].shape[0]:
        tables.append(queries.position_embeddings)
    for table in tables:
        table.copy_(wave_table(table.shape[0], table.shape[1], std).to(table))
