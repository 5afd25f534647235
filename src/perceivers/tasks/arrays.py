"""Models that are asked with arrays: exported files, which take nothing else, and models in torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def reads_arrays(model: Any) -> bool:
    """Whether a model is an exported one, which takes arrays and gives arrays."""
    return bool(getattr(model, "reads_arrays", False))


def logits_of(model: Any, **given: Any) -> Any:
    """What a model says, float32: an array, or arrays by name.

    Args:
        model: an exported one, or one in torch, wherever it lies.
        given: its arguments; arrays, and arrays by name, become tensors where it is one in torch.
    """
    if reads_arrays(model):
        return model(**given).logits
    import torch

    tensors = {name: _tensors(value, model.device) for name, value in given.items()}
    with torch.no_grad():
        return _arrays(model(**tensors).logits)


def reconstructed(model: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a model that makes its inputs again gives, by modality, float32.

    Args:
        model: see `logits_of`.
        inputs: by modality.
    """
    if reads_arrays(model):
        answers: dict[str, np.ndarray] = model.reconstruct(inputs)
        return answers
    import torch

    with torch.no_grad():
        found: dict[str, np.ndarray] = _arrays(model.reconstruct(_tensors(inputs, model.device)))
    return found


def _tensors(value: Any, device: Any) -> Any:
    import torch

    if isinstance(value, Mapping):
        return {name: _tensors(each, device) for name, each in value.items()}
    return torch.from_numpy(value).to(device) if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _arrays(each) for name, each in value.items()}
    return value.float().cpu().numpy()
