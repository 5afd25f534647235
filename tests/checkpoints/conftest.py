"""Small networks on the base class, with every kind of tensor that a checkpoint can hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.models.base import PerceiverPreTrainedModel


class Latents(nn.Module):
    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.empty(config.num_latents, config.d_latents))


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convnet = nn.Module()
        self.convnet.conv = nn.Conv2d(2, 3, (5, 7), bias=False)
        self.convnet.batchnorm = nn.BatchNorm2d(3)


class Base(PerceiverPreTrainedModel):
    """A base model: latents, one linear layer, a stem with a kernel and running statistics."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        self.embeddings = Latents(config)
        self.input_preprocessor = Stem()
        self.encoder = nn.Linear(config.d_latents, config.d_latents)
        self.initialize_parameters()

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs


class Task(PerceiverPreTrainedModel):
    """A task model: the base model, a head of `num_labels` rows, and a matrix that is used in two places."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        self.perceiver = Base(config)
        self.head = nn.Linear(config.d_latents, config.num_labels)
        self.tied = nn.Linear(config.d_latents, config.d_latents, bias=False)
        self.tied.weight = self.perceiver.encoder.weight
        self.initialize_new_parameters()


@pytest.fixture
def config() -> PerceiverConfig:
    return PerceiverConfig(num_latents=3, d_latents=8, num_labels=5)


@pytest.fixture
def base_class() -> type[Any]:
    return Base


@pytest.fixture
def task_class() -> type[Any]:
    return Task


@pytest.fixture
def task(config: PerceiverConfig) -> Any:
    model = Task(config)
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape).abs())
    return model


@pytest.fixture
def quietly() -> Callable[..., Any]:
    """Load without the warning about keys, where a test is about something else."""

    def load(model_class: type[Any], *arguments: Any, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model_class.from_pretrained(*arguments, **options)

    return load


@pytest.fixture
def assert_same_tensors() -> Callable[[nn.Module, nn.Module], None]:
    def check(received: nn.Module, expected: nn.Module) -> None:
        ours, theirs = received.state_dict(), expected.state_dict()
        assert list(ours) == list(theirs)
        for key, tensor in theirs.items():
            assert torch.equal(ours[key], tensor), key

    return check
