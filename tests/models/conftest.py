"""The seven tiny models with the ways to draw them and to compare what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import perceivers
from tiny_models import CLASSES, INPUTS, TINY, video_and_sound


@torch.no_grad()
def make_lively(model: nn.Module) -> None:
    """No parameter at zero or one, so that a forgotten or misplaced one shows."""
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        if name.endswith("running_var") or ("norm" in name and name.endswith("weight")):
            tensor.uniform_(0.5, 1.5)
        else:
            tensor.normal_(std=0.5 if tensor.ndim < 2 else max(0.3, tensor.shape[-1] ** -0.5))


@pytest.fixture(params=list(CLASSES))
def task(request: pytest.FixtureRequest) -> str:
    """The name of each of the seven tasks in turn."""
    return str(request.param)


@pytest.fixture
def tiny_config() -> Callable[..., perceivers.PerceiverConfig]:
    return lambda **changes: perceivers.PerceiverConfig(**{**TINY, **changes})


@pytest.fixture
def tiny(tiny_config: Callable[..., perceivers.PerceiverConfig]) -> Callable[..., Any]:
    """A tiny model of a task, in evaluation mode; `lively` or as it is drawn for training."""

    def build(task: str, lively: bool = True, **changes: Any) -> Any:
        torch.manual_seed(0)
        model = getattr(perceivers, CLASSES[task])(tiny_config(**changes))
        if lively:
            make_lively(model)
        return model.eval()

    return build


@pytest.fixture
def lively() -> Callable[[nn.Module], None]:
    return make_lively


@pytest.fixture
def inputs_of() -> Callable[..., Any]:
    """Inputs of a task."""

    def draw(task: str, batch: int = 2) -> Any:
        return INPUTS[task](batch)

    return draw


@pytest.fixture
def video() -> Callable[..., dict[str, Tensor]]:
    """Video, sound and label of any size."""
    return video_and_sound


@pytest.fixture
def same() -> Callable[..., None]:
    """Equal names and shapes, values within `tolerance` of the largest one."""

    def check(received: Any, expected: Any, tolerance: float = 1e-6) -> None:
        if isinstance(expected, Mapping):
            assert list(received) == list(expected)
            for name in expected:
                check(received[name], expected[name], tolerance)
            return
        assert received.shape == expected.shape
        assert torch.isfinite(expected).all()
        scale = max(expected.detach().abs().max().item(), 1e-12)
        assert (received - expected).abs().max().item() <= tolerance * scale

    return check
