"""Models that are asked with arrays: exported files, which take nothing else, and models in torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def reads_arrays(model: Any) -> bool:
    """Whether a model is an exported one, which takes arrays and gives arrays."""
    return bool(getattr(model, "reads_arrays", False))


def logits_of(model: Any, **given: np.ndarray | int | None) -> np.ndarray:
    """What a model says, float32.

    Args:
        model: an exported one, or one in torch, wherever it lies.
        given: its arguments; arrays become tensors where it is one in torch.
    """
    if reads_arrays(model):
        answer: np.ndarray = model(**given).logits
        return answer
    import torch

    tensors = {
        name: torch.from_numpy(value).to(model.device) if isinstance(value, np.ndarray) else value
        for name, value in given.items()
    }
    with torch.no_grad():
        found: np.ndarray = model(**tensors).logits.float().cpu().numpy()
    return found
