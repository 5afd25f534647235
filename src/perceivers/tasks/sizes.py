"""The networks that `--size` names, and how the papers read their data: one table, with its sources.

`paper` is what recipes/paper/ holds: Perceiver IO (arXiv 2107.14795, section 4 and appendix) for pictures, texts, flow and
films, the first Perceiver (arXiv 2103.03206) for points, Perceiver AR's model of music (arXiv 2202.07765) for texts that
are written on. Sound alone is the sound's half of the papers' films. No paper has
series or mixed tables: series take the encoder of sound, tables that of language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from perceivers.arguments.open import completed, filled

Arguments = TypeVar("Arguments")

NETWORKS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"num_latents": 16, "latent_channels": 64, "num_layers": 2, "num_heads": 4, "num_cross_heads": 4},
    "small": {
        "num_latents": 32,
        "latent_channels": 128,
        "num_layers": 4,
        "num_heads": 4,
        "num_cross_heads": 4,
    },
    "base": {
        "num_latents": 128,
        "latent_channels": 256,
        "num_layers": 6,
        "num_heads": 8,
        "num_cross_heads": 8,
    },
}
"""By `--size`; queries and keys have as many channels as the latents."""

_IMAGENET = {
    "num_latents": 512,
    "latent_channels": 1024,
    "num_blocks": 8,
    "num_layers": 6,
    "num_heads": 8,
    "num_cross_heads": 1,
    "qk_channels": None,
    "v_channels": None,
    "widening_factor": 1,
    "dropout": 0.0,
    "mlp_dropout": 0.0,
}
_AUDIOSET = {**_IMAGENET, "num_blocks": 1, "num_layers": 12}
_LANGUAGE = {
    **_IMAGENET,
    "num_latents": 256,
    "latent_channels": 1280,
    "num_blocks": 1,
    "num_layers": 26,
    "num_cross_heads": 8,
    "qk_channels": 256,
    "v_channels": 1280,
}
_BYTES = {"max_length": 2048, "position_start": "random", "embedding_channels": 768}

PAPER: Mapping[str, Mapping[str, Any]] = {
    "image-classification": {
        **_IMAGENET,
        "input_form": "fourier",
        "num_fourier_bands": 64,
        "image_height": 224,
        "image_width": 224,
        "image_channels": 3,
        "pixel_mean": (0.485, 0.456, 0.406),
        "pixel_std": (0.229, 0.224, 0.225),
        "centre_crop": 0.875,
        "shift": 0.0,
        "rotation": 0.0,
        "scale": 0.0,
        "crop_area": 0.08,
        "flip": 0.5,
        "rand_augment_operations": 4,
        "rand_augment_magnitude": 5.0,
        "label_smoothing": 0.1,
        "mixup": 0.2,
        "cutmix": 1.0,
    },
    "audio-classification": {
        **_AUDIOSET,
        "input_form": "raw",
        "sampling_rate": 48_000,
        "clip_seconds": 1.28,
        "evaluation_clips": 16,
        "samples_per_patch": 128,
        "patch_channels": None,
        "num_fourier_bands": 192,
    },
    "audio-visual-classification": {
        **_AUDIOSET,
        "num_frames": 32,
        "frame_rate": 25.0,
        "height": 224,
        "width": 224,
        "audio_samples_per_frame": 1920,
        "num_test_clips": 16,
        "video_dropped": 0.3,
        "video_motion": False,
        "video_form": "patches",
        "video_patch_size": 8,
        "video_frames_per_patch": 2,
        "video_bands": 32,
        "sound_form": "raw",
        "samples_per_patch": 128,
        "audio_bands": 192,
        "audio_dropped": 0.0,
        "mirror": 0.0,
        "shift": 0.0,
        "scale": 0.0,
        "gain": 0.0,
    },
    "series-classification": _AUDIOSET,
    "point-classification": {
        **_IMAGENET,
        "num_blocks": 2,
        "num_cross_attends": 2,
        "mean_of_latents": True,
        "num_points": 2000,
        "normalization": "box",
        "num_fourier_bands": 64,
        "max_resolution": 2240,
        "input_form": "single",
        "point_scale": 0.01,
        "drop": 0.0,
        "rotation": 0.0,
        "rotation_axis": "z",
        "scale": 0.0,
        "jitter": 0.0,
    },
    "text-classification": {**_LANGUAGE, **_BYTES, "text_reading": "bytes"},
    "fill-mask": {
        **_LANGUAGE,
        **_BYTES,
        "ngram_sizes": (),
        "num_decoder_heads": 8,
        "decoder_qk_channels": 256,
    },
    "text-generation": {
        **_IMAGENET,
        "context": 4096,
        "num_latents": 2048,
        "embedding_channels": 1024,
        "num_blocks": 1,
        "num_layers": 12,
        "num_heads": 4,
        "widening_factor": 4,
        "positions": "rotary",
        "rotary_fraction": 0.25,
        "prefix_dropout": 0.7,
        "z_loss": 1e-4,
        "activation": "relu2",
    },
    "table": _LANGUAGE,
    "optical-flow": {
        **_IMAGENET,
        "num_latents": 2048,
        "latent_channels": 512,
        "num_blocks": 1,
        "num_layers": 24,
        "num_heads": 16,
        "train_height": 368,
        "train_width": 496,
        "patch_size": 3,
        "patch_channels": 64,
        "num_fourier_bands": 64,
    },
    "video-autoencoding": {
        **_IMAGENET,
        "num_latents": 784,
        "latent_channels": 512,
        "num_blocks": 1,
        "num_layers": 8,
        "num_frames": 16,
        "frame_rate": 25.0,
        "height": 224,
        "width": 224,
        "audio_samples_per_frame": 1920,
        "video_patch_size": 4,
        "video_frames_per_patch": 1,
        "audio_samples_per_patch": 16,
        "video_bands": 32,
        "audio_bands": 192,
        "position_resolution": "patches",
        "decoder_channels": 512,
        "label_query_channels": 1024,
    },
}
"""By task: the network, and what the model is given of a sample."""


def values_of_size(task: str, size: str) -> dict[str, Any]:
    """What `--size` says by itself; nothing of "auto" and "usual".

    Args:
        task: name of the task.
        size: see NetworkArguments.
    """
    if size in ("auto", "usual"):
        return {}
    if size == "paper":
        return dict(PAPER[task])
    network: dict[str, Any] = dict(NETWORKS[size])
    return {**network, "qk_channels": network["latent_channels"]}


def begun(task: str, arguments: Arguments, *, chooses: bool) -> Arguments:
    """A task's arguments as it begins with them: complete where nothing is chosen from the data.

    Args:
        task: its name.
        arguments: the user's.
        chooses: whether the task chooses what is left open from the data.
    """
    size = getattr(arguments, "size", "auto")
    if chooses:
        return arguments
    return completed(filled(arguments, values_of_size(task, size)))
