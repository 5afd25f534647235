"""The seven models with sizes of a few distinct primes, their inputs, and the ways to compare what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import perceivers

TINY: dict[str, Any] = {
    "num_latents": 5,
    "d_latents": 12,
    "d_model": 14,
    "num_blocks": 2,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 2,
    "qk_channels": 6,
    "v_channels": 18,
    "vocab_size": 31,
    "max_position_embeddings": 11,
    "decoder_num_heads": 2,
    "decoder_qk_channels": 10,
    "image_size": (5, 7),
    "image_projection_channels": 11,
    "position_channels": 13,
    "projected_position_channels": 4,
    "fourier_num_bands": 3,
    "fourier_max_resolution": (5, 7),
    "stem_channels": 5,
    "stem_max_resolution": (2, 3),
    "train_size": (7, 5),
    "flow_projection_channels": 5,
    "flow_tile_overlap": 2,
    "num_frames": 3,
    "audio_samples_per_frame": 10,
    "samples_per_patch": 2,
    "output_shape": (1, 3, 4, 6),
    "output_num_channels": 9,
    "_label_trainable_num_channels": 8,
    "video_patch_size": 2,
    "video_num_bands": 2,
    "audio_num_bands": 3,
    "num_labels": 3,
    "num_training_points": 7,
}

CLASSES = {
    "masked_lm": "PerceiverForMaskedLM",
    "sequence_classification": "PerceiverForSequenceClassification",
    "image_learned": "PerceiverForImageClassificationLearned",
    "image_fourier": "PerceiverForImageClassificationFourier",
    "image_conv": "PerceiverForImageClassificationConvProcessing",
    "optical_flow": "PerceiverForOpticalFlow",
    "multimodal": "PerceiverForMultimodalAutoencoding",
}


def video_and_sound(
    batch: int = 2, frames: int = 3, height: int = 4, width: int = 6, patches: int = 15
) -> dict[str, Tensor]:
    return {
        "image": torch.rand(batch, frames, 3, height, width),
        "audio": torch.rand(batch, 2 * patches, 1) * 2 - 1,
        "label": torch.randn(batch, 3),
    }


INPUTS: dict[str, Callable[[int], Any]] = {
    "masked_lm": lambda batch: torch.randint(0, 31, (batch, 11)),
    "sequence_classification": lambda batch: torch.randint(0, 31, (batch, 11)),
    "image_learned": lambda batch: torch.randn(batch, 3, 5, 7),
    "image_fourier": lambda batch: torch.randn(batch, 3, 5, 7),
    "image_conv": lambda batch: torch.randn(batch, 3, 13, 17),
    "optical_flow": lambda batch: torch.randn(batch, 2, 27, 7, 5),
    "multimodal": video_and_sound,
}


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
