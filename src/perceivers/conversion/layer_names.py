"""Arrays of Haiku's layers as tensors of ours, and what the names of a file become: shared by all networks (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perceivers.checkpoints.matching import described
from perceivers.conversion.haiku_files import Parameters
from perceivers.errors import CheckpointError

Turn = Callable[[NDArray[Any]], NDArray[Any]]
#: From module and parameter to the key in a state dict, and what turns the array; None for what no model keeps. A KeyError
#: says that there is no such parameter.
Target = Callable[[str, str], tuple[str, Turn] | None]

PARAMETERS: Mapping[str, str] = {
    "w": "weight",
    "b": "bias",
    "scale": "weight",
    "offset": "bias",
    "embeddings": "weight",
    "pos_embs": "weight",
}
CROSS_NORMS = {
    "layer_norm": "attention.self.layernorm1",
    "layer_norm_1": "attention.self.layernorm2",
    "layer_norm_2": "layernorm",
}
SELF_NORMS = {"layer_norm": "attention.self.layernorm1", "layer_norm_1": "layernorm"}


def as_tensors(parameters: Parameters, target: Target, network: str) -> dict[str, Tensor]:
    """Haiku's arrays as a state dict.

    Args:
        parameters: (module, parameter) to array.
        target: see Target.
        network: what it is called in messages.

    Raises:
        CheckpointError: parameters that the network does not have; the message lists the first ones.
    """
    tensors: dict[str, Tensor] = {}
    strange: list[str] = []
    for (module, parameter), array in parameters.items():
        try:
            found = target(module, parameter)
        except KeyError:
            strange.append(f"{module}/{parameter}")
            continue
        if found is not None:
            key, turn = found
            tensors[key] = torch.from_numpy(np.array(turn(array), order="C"))
    if strange:
        raise CheckpointError(described(f"`source` has parameters that are none of {network}", strange))
    return tensors


def turn_of(parameter: str) -> Turn:
    """What turns an array: Haiku's weights of linear layers are [in, out]."""
    return np.transpose if parameter == "w" else np.asarray
