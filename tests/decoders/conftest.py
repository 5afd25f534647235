"""What decoders are asked about: a small configuration, latents, and what a model's `encode` returns."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.outputs import Encoded


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(
        num_latents=5,
        d_latents=6,
        d_model=7,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        num_labels=3,
        output_num_channels=4,
    )


@pytest.fixture
def encode():
    """What is known of a batch of inputs; `tokens` and `features` as given."""

    def build(batch=2, **known):
        return Encoded(latents=torch.randn(batch, 5, 6), **known)

    return build


@pytest.fixture
def lively():
    """No parameter at zero."""

    def draw(module):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.normal_(std=0.5)
        return module.eval()

    return draw
