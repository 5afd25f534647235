"""The seven models side by side: ours and Transformers', one small configuration, the same lively weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

TASKS = {
    "masked_lm": "PerceiverForMaskedLM",
    "sequence_classification": "PerceiverForSequenceClassification",
    "image_learned": "PerceiverForImageClassificationLearned",
    "image_fourier": "PerceiverForImageClassificationFourier",
    "image_conv": "PerceiverForImageClassificationConvProcessing",
    "optical_flow": "PerceiverForOpticalFlow",
    "multimodal": "PerceiverForMultimodalAutoencoding",
}

SMALL: dict[str, Any] = {
    "num_latents": 10,
    "d_latents": 20,
    "d_model": 64,
    "qk_channels": 20,
    "v_channels": 20,
    "num_blocks": 1,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 1,
    "num_cross_attention_heads": 1,
    "self_attention_widening_factor": 4,
    "cross_attention_widening_factor": 4,
    "vocab_size": 99,
    "max_position_embeddings": 7,
    "image_size": 32,
    "train_size": [20, 20],
    "num_frames": 5,
    "audio_samples_per_frame": 200,
    "samples_per_patch": 20,
    "num_labels": 3,
    "output_num_channels": 32,
    "_label_trainable_num_channels": 16,
}


@pytest.fixture(scope="session", params=list(TASKS))
def task(request: pytest.FixtureRequest) -> str:
    """The name of each of the seven tasks in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def small_sizes() -> dict[str, Any]:
    """The small configuration that the contracts were observed with."""
    return dict(SMALL)


@pytest.fixture(scope="session")
def class_names() -> dict[str, str]:
    """The class of each task: the same name in both libraries."""
    return dict(TASKS)


@pytest.fixture(scope="session")
def our_config() -> Callable[..., Any]:
    def build(**changes: Any) -> Any:
        import perceivers

        return perceivers.PerceiverConfig(**{**SMALL, **changes})

    return build


@pytest.fixture(scope="session")
def their_config() -> Callable[..., Any]:
    def build(**changes: Any) -> Any:
        import transformers

        return transformers.PerceiverConfig(**{**SMALL, **changes})

    return build


@torch.no_grad()
def make_lively(model: nn.Module, seed: int = 1) -> None:
    """Draw norms, biases and latents away from 1 and 0, so that a forgotten or misplaced one shows."""
    generator = torch.Generator().manual_seed(seed)

    def noise(like: Tensor, scale: float) -> Tensor:
        return scale * torch.randn(like.shape, generator=generator).to(like.dtype)

    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not tensor.is_floating_point():
            continue
        if name.endswith("running_var"):
            tensor.copy_(1.0 + noise(tensor, 0.3).abs())
        elif name.endswith(("running_mean", "bias")):
            tensor.copy_(noise(tensor, 0.2))
        elif "norm" in name and name.endswith("weight"):
            tensor.copy_(1.0 + noise(tensor, 0.2))
        elif tensor.ndim == 2 and name.endswith(("query.weight", "key.weight")):
            tensor.copy_(noise(tensor, 1.2 / tensor.shape[-1] ** 0.5))
        elif tensor.ndim >= 2 and name.endswith("weight") and "embeddings" not in name:
            tensor.copy_(noise(tensor, 1.0 / tensor[0].numel() ** 0.5))
        else:
            tensor.copy_(noise(tensor, 0.5))


@pytest.fixture(scope="session")
def lively() -> Callable[..., None]:
    return make_lively


@pytest.fixture(scope="session")
def ours(our_config: Callable[..., Any]) -> Callable[..., Any]:
    """Our model of a task, small, lively, in evaluation mode."""

    def build(task: str, **changes: Any) -> Any:
        import perceivers

        torch.manual_seed(0)
        model = getattr(perceivers, TASKS[task])(our_config(**changes))
        make_lively(model)
        return model.eval()

    return build


@pytest.fixture(scope="session")
def pair(our_config: Callable[..., Any], their_config: Callable[..., Any]) -> Callable[..., Any]:
    """Our model of a task and Transformers', with the same lively weights, in evaluation mode."""

    def build(task: str, **changes: Any) -> tuple[Any, Any]:
        import transformers

        import perceivers

        torch.manual_seed(0)
        theirs = getattr(transformers, TASKS[task])(their_config(**changes))
        make_lively(theirs)
        our = getattr(perceivers, TASKS[task])(our_config(**changes))
        our.load_state_dict(theirs.state_dict(), strict=True)
        return our.eval(), theirs.eval()

    return build


@pytest.fixture(scope="session")
def example() -> Callable[..., dict[str, Any]]:
    """Forward arguments of a task, as both libraries take them."""

    def draw(task: str, batch: int = 2, seed: int = 0, config: Any = None) -> dict[str, Any]:
        sizes = {name: SMALL[name] if config is None else getattr(config, name) for name in SMALL}
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator)

        if task in ("masked_lm", "sequence_classification"):
            length = sizes["max_position_embeddings"]
            mask = torch.ones(batch, length, dtype=torch.long)
            for row in range(batch):
                mask[row, length - row % length :] = 0
            ids = torch.randint(0, sizes["vocab_size"], (batch, length), generator=generator)
            return {"inputs": ids, "attention_mask": mask}
        if task.startswith("image"):
            return {"inputs": normal(batch, 3, sizes["image_size"], sizes["image_size"])}
        if task == "optical_flow":
            return {"inputs": normal(batch, 2, 27, *sizes["train_size"])}
        frames, size = sizes["num_frames"], sizes["image_size"]
        samples = frames * sizes["audio_samples_per_frame"]
        return {
            "inputs": {
                "image": normal(batch, frames, 3, size, size),
                "audio": normal(batch, samples, 1),
                "label": normal(batch, sizes["num_labels"]),
            },
            "subsampled_output_points": {
                "image": torch.arange(max(1, frames * size**2 // 20)),
                "audio": torch.arange(max(1, samples // sizes["samples_per_patch"] // 20)),
                "label": None,
            },
        }

    return draw


def tensors_of(value: Any, name: str = "output") -> Iterator[tuple[str, Tensor]]:
    """Every tensor in nested outputs, with its path."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping) or hasattr(value, "items"):
        for key, item in value.items():
            yield from tensors_of(item, f"{name}.{key}")
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from tensors_of(item, f"{name}[{index}]")


def doubled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: doubled(item) for name, item in value.items()}
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


@pytest.fixture(scope="session")
def as_double() -> Callable[[Any], Any]:
    """Inputs in float64, where rounding hides nothing."""
    return doubled


@pytest.fixture(scope="session")
def flatten() -> Callable[[Any], dict[str, Tensor]]:
    return lambda value: dict(tensors_of(value))


@pytest.fixture(scope="session")
def assert_equal_outputs() -> Callable[..., None]:
    """Same tensors, same names, same shapes, every one within 1e-5 of its largest value."""

    def check(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
        our, their = dict(tensors_of(ours)), dict(tensors_of(theirs))
        assert list(our) == list(their)
        for name, expected in their.items():
            received = our[name]
            assert received.shape == expected.shape, f"{name}: {received.shape} is not {expected.shape}"
            assert torch.isfinite(expected).all(), f"{name}: the reference is not finite"
            scale = expected.detach().abs().max().clamp_min(1e-12)
            error = ((received.detach() - expected.detach()).abs().max() / scale).item()
            assert error <= tolerance, f"{name}: off by {error:.1e} of its largest value"

    return check


@pytest.fixture(scope="session")
def released_layouts() -> dict[str, Any]:
    """Keys, order and shapes of the six released checkpoints, with their configurations."""
    path = Path(__file__).parent / "data" / "state_dict_layouts.json"
    layouts: dict[str, Any] = json.loads(path.read_text())
    return layouts
