"""The seven tiny models as PreTrainedModels."""

from __future__ import annotations

from typing import Any

import torch

import perceivers.integrations.transformers as integration
from tiny_models import CLASSES, TINY


def adapted(task: str, **changed: Any) -> Any:
    """One of the seven, with weights of seed 0, in evaluation."""
    torch.manual_seed(0)
    config = integration.PerceiverConfig(**{**TINY, **changed})
    return getattr(integration, CLASSES[task])(config).eval()
