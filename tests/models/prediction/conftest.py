"""A model of any modalities and answers, no parameter of which is at zero or one."""

from __future__ import annotations

import pytest
import torch

import perceivers
from tiny_predictions import ANSWERS, MODALITIES, SIZES, draw


@pytest.fixture
def build(lively):
    def make(modalities=MODALITIES, answers=ANSWERS, **changes):
        torch.manual_seed(0)
        config = perceivers.PerceiverConfig(
            **{**SIZES, "modalities": modalities, "answers": answers, **changes}
        )
        model = perceivers.PerceiverForPrediction(config)
        lively(model)
        return model.eval()

    return make


@pytest.fixture
def mixture(build):
    return build(), draw()
