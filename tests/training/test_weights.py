"""The running mean of the weights, and the best ones."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from perceivers.training.weights import Average, Best


def model_of(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def set_weight(model: nn.Linear, value: float) -> None:
    nn.init.constant_(model.weight, value)


def test_the_mean_follows_the_weights_with_its_decay() -> None:
    model = model_of(1.0)
    average = Average(model, decay=0.75)
    for value in (2.0, 6.0):
        set_weight(model, value)
        average.update(model)
    # The first update takes the weights as they are: 2, then 0.75 * 2 + 0.25 * 6.
    assert average.model.weight.item() == pytest.approx(3.0)
    assert not average.model.weight.requires_grad


def test_the_mean_is_restored_from_a_checkpoint() -> None:
    model = model_of(1.0)
    average, other = Average(model, 0.5), Average(model, 0.5)
    set_weight(model, 4.0)
    average.update(model)
    other.load_state_dict(average.state_dict())
    set_weight(model, 8.0)
    other.update(model)
    assert other.model.weight.item() == pytest.approx(6.0)


@pytest.mark.parametrize(("better", "expected"), [("higher", 4.0), ("lower", 5.0)])
def test_the_best_weights_are_kept_the_latest_of_equal_ones(
    better: Literal["higher", "lower"], expected: float
) -> None:
    best, model = Best(better), model_of(0.0)
    for weight, score in ((1.0, 0.5), (2.0, 0.1), (3.0, 0.9), (4.0, 0.9), (5.0, 0.1)):
        set_weight(model, weight)
        best.offer(score, model)
    other = Best(better)
    other.load_state_dict(best.state_dict())
    other.restore(model)
    assert model.weight.item() == expected


def test_without_a_look_the_last_weights_stay() -> None:
    model = model_of(7.0)
    Best("higher").restore(model)
    assert torch.equal(model.weight, model_of(7.0).weight)
