"""Tiny models with every parameter away from 0 and 1, and the comparison of prepared and plain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import perceivers
from tiny_models import CLASSES, INPUTS, TINY, video_and_sound


@pytest.fixture(scope="session", params=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """The processor, and a GPU where there is one."""
    # Convolutions round their inputs to ten bits there by default: no comparison to 1e-5 survives that.
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield torch.device(request.param)
    torch.backends.cudnn.allow_tf32 = allowed


@pytest.fixture(params=list(CLASSES))
def task(request: pytest.FixtureRequest) -> str:
    """The name of each of the seven tasks in turn."""
    return str(request.param)


@torch.no_grad()
def draw(model: nn.Module, seed: int) -> None:
    """Norm gains around 1.3, biases around 0, attention that prefers some keys: a folding error shows in every place."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + noise.abs())
        elif "norm" in name and name.endswith("weight"):
            tensor.copy_(1.3 + 0.4 * noise)
        elif name.endswith(("query.weight", "key.weight")):
            tensor.copy_(noise * 1.2 * tensor.shape[-1] ** -0.5)
        else:
            tensor.copy_(noise * (0.5 if tensor.ndim < 2 else max(0.3, tensor.shape[-1] ** -0.5)))


@pytest.fixture(scope="session")
def drawn() -> Callable[..., nn.Module]:
    """Give a composed model lively weights and put it into evaluation mode."""

    def make(model: nn.Module, seed: int = 1) -> nn.Module:
        draw(model, seed)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def small() -> Callable[..., Any]:
    """A lively small model of a task; further arguments are keys of the configuration."""

    def build(task: str, seed: int = 1, dtype: torch.dtype = torch.float32, **changes: Any) -> Any:
        model = getattr(perceivers, CLASSES[task])(perceivers.PerceiverConfig(**{**TINY, **changes}))
        draw(model, seed)
        return model.eval().to(dtype)

    return build


@pytest.fixture(scope="session")
def config() -> Callable[..., perceivers.PerceiverConfig]:
    return lambda **changes: perceivers.PerceiverConfig(**{**TINY, **changes})


@pytest.fixture(scope="session")
def video() -> Callable[..., dict[str, Tensor]]:
    """Video, sound and label of any size."""
    return video_and_sound


@pytest.fixture(scope="session")
def inputs_of() -> Callable[..., Any]:
    """Inputs of a task, of the size that its model was built for."""
    return lambda task, batch=2: INPUTS[task](batch)


def tensors_of(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping) or hasattr(value, "items"):
        for key, item in value.items():
            yield from tensors_of(item, f"{name}.{key}")
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from tensors_of(item, f"{name}[{index}]")


@pytest.fixture(scope="session")
def assert_equal() -> Callable[..., None]:
    """Same names and shapes, every tensor within `tolerance` of its largest expected value."""

    def check(received: Any, expected: Any, tolerance: float = 1e-5) -> None:
        ours, theirs = dict(tensors_of(received)), dict(tensors_of(expected))
        assert list(ours) == list(theirs)
        assert theirs
        for name, wanted in theirs.items():
            assert ours[name].shape == wanted.shape, name
            assert ours[name].dtype == wanted.dtype, name
            if wanted.numel() == 0:
                continue
            assert torch.isfinite(wanted).all(), name
            scale = wanted.abs().max().clamp_min(1e-12)
            error = ((ours[name] - wanted).abs().max() / scale).item()
            assert error <= tolerance, f"{name}: off by {error:.1e} of its largest value"

    return check


@pytest.fixture(scope="session")
def num_tokens() -> Callable[[Any, Any], int]:
    """Number of tokens that a model makes of inputs."""

    @torch.no_grad()
    def count(model: Any, inputs: Any) -> int:
        return int(model.perceiver.preprocess(inputs)[0].shape[1])

    return count
