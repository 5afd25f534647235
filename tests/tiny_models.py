"""The seven models with sizes of a few distinct primes, and inputs of theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

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
    """Video, sound and label of any size."""
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

#: What a model learns of its inputs, as further arguments.
LABELS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "masked_lm": lambda inputs: {"labels": inputs},
    "sequence_classification": lambda inputs: {"labels": torch.tensor([2, 0])},
    "image_learned": lambda inputs: {"labels": torch.tensor([2, 0])},
    "image_fourier": lambda inputs: {"labels": torch.tensor([2, 0])},
    "image_conv": lambda inputs: {"labels": torch.tensor([2, 0])},
    # One displacement for every pixel of a frame: 40 right and 20 down, 20 left and 60 up.
    "optical_flow": lambda inputs: {
        "labels": torch.tensor([[40.0, 20.0], [-20.0, -60.0]])[:, None, None].expand(2, 7, 5, 2)
    },
    "multimodal": lambda inputs: {"labels": {"label": torch.tensor([2, 0])}},
}
