"""A causal model with room for 13 tokens and 5 latents, no parameter of which is at zero or one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import perceivers


@pytest.fixture(scope="session")
def writer() -> Callable[..., Any]:
    built: dict[str, Any] = {}

    def build(positions: str = "rotary") -> Any:
        if positions not in built:
            torch.manual_seed(11)
            config = perceivers.PerceiverConfig(
                vocab_size=31,
                max_position_embeddings=13,
                d_model=12,
                num_latents=5,
                d_latents=20,
                num_self_attends_per_block=2,
                num_cross_attention_heads=2,
                num_self_attention_heads=2,
                attention_probs_dropout_prob=0.0,
                causal_positions=positions,
            )
            model = perceivers.PerceiverForCausalLM(config).eval()
            with torch.no_grad():
                for name, tensor in model.named_parameters():
                    is_gain = "norm" in name and name.endswith("weight")
                    tensor.uniform_(0.5, 1.5) if is_gain else tensor.normal_(std=0.5)
            built[positions] = model
        return built[positions]

    return build
