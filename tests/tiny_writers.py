"""Runs of text-generation that nothing has trained, as `perceivers.load` gives them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from perceivers.configuration import PerceiverConfig
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.tasks.base import Parts
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.task import TextGeneration


def untrained(processor: Any, num_ids: int, **given: Any) -> Any:
    torch.manual_seed(5)
    arguments = TextGenerationArguments(
        size="usual",
        context=11,
        num_latents=5,
        latent_channels=8,
        embedding_channels=8,
        num_layers=1,
        num_heads=2,
        max_new_tokens=23,
        **given,
    )
    model = PerceiverForCausalLM(PerceiverConfig(**arguments.config_values(), vocab_size=num_ids)).eval()
    torch.nn.init.normal_(model.lm_head.weight)
    return SimpleNamespace(
        task=TextGeneration(arguments), parts=Parts(model, processor), prepared=model.prepare()
    )
