"""Where each parameter of the original Perceiver AR goes (google-research/perceiver-ar, commit cc756f5).

Haiku numbers equal names in the order of their creation: `linear`, `linear_1`, ... are query, key, value and output.
"""

from __future__ import annotations

import re

import numpy as np
import torch
from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_causal import read_causal
from perceivers.conversion.haiku_files import Parameters
from perceivers.conversion.layer_names import (
    CROSS_NORMS,
    PARAMETERS,
    SELF_NORMS,
    Turn,
    as_tensors,
    turn_of,
)
from perceivers.errors import CheckpointError
from perceivers.nn.rotary import sinusoids

_LAYER = {
    "attention/linear": "attention.self.query",
    "attention/linear_1": "attention.self.key",
    "attention/linear_2": "attention.self.value",
    "attention/linear_3": "attention.output.dense",
    "dense/linear": "mlp.dense1",
    "dense/linear_1": "mlp.dense2",
}
_MODULES = {"layer_norm": "layernorm", "linear": "query", "logits": "lm_head", "embed": "embeddings"}
# What a whole-training file puts before the network's own name is passed over.
_NETWORK = r"(?:.+/)?perceiver_ar/(?:~/)?"
_TABLE = re.compile(_NETWORK + r"embed_(?P<number>\d+)")
# Largest difference of a frozen table to the sines and cosines that it was made of, in float32.
_CLOSE = 1e-4


def causal_tensors(parameters: Parameters, config: PerceiverConfig) -> dict[str, Tensor]:
    """The state dict of a PerceiverForCausalLM.

    Args:
        parameters: (module, parameter) to array.
        config: of the model. Where it says sinusoidal positions, the file's frozen table is compared with them and left out.

    Raises:
        CheckpointError: parameters that the model does not have, such as further cross-attends or several latents a position;
            or a table that holds something else than sinusoids.
    """
    is_sinusoidal = read_causal(config).positions == "sinusoidal"

    def target(module: str, parameter: str) -> tuple[str, Turn] | None:
        table = _TABLE.fullmatch(module)
        if table and is_sinusoidal:
            _require_sinusoids(f"{module}/{parameter}", parameters[module, parameter])
            return None
        owner = f"position_embeddings.{int(table['number']) - 1}" if table else _owner(module)
        return f"{owner}.{PARAMETERS[parameter]}", turn_of(parameter)

    return as_tensors(parameters, target, "Perceiver AR's network")


def _owner(module: str) -> str:
    """The module here; a KeyError for what is none."""
    layer = re.fullmatch(
        _NETWORK + r"(?:(?P<cross>cross)|self)_attention(?:_(?P<number>\d+))?/(?P<part>.+)", module
    )
    if layer is None:
        own = re.fullmatch(_NETWORK + r"(?P<name>\w+)", module)
        return _MODULES[own["name"] if own else module]
    part = layer["part"]
    if not layer["cross"]:
        return f"encoder.self_attends.{int(layer['number'] or 0)}.{ {**_LAYER, **SELF_NORMS}[part] }"
    if layer["number"]:
        raise KeyError(module)
    return f"encoder.cross_attention.{ {**_LAYER, **CROSS_NORMS}[part] }"


def _require_sinusoids(name: str, table: np.ndarray) -> None:
    rows, channels = table.shape
    expected = sinusoids(torch.arange(rows), channels, torch.float32).numpy()
    if not np.abs(expected - table).max() <= _CLOSE:
        raise CheckpointError(
            f"{name} must be a table of sines and cosines where the configuration says sinusoidal positions, received other "
            "values: say causal_positions 'learned', and position_sizes"
        )
