"""What the released models are trained on in the benchmarks: inputs and labels, losses for both sides, small stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reference_models import RELEASED_MODELS

NUM_POINTS = 512
FLOW_TARGET_SCALE = 20.0
LOSS_WEIGHTS = {"audio": 1.0, "image": 0.03, "label": 1e-4}

_SMALL = {
    "num_latents": 11,
    "d_latents": 20,
    "d_model": 64,
    "qk_channels": 20,
    "v_channels": 20,
    "num_blocks": 2,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 1,
    "max_position_embeddings": 37,
    "image_size": 32,
    "train_size": (17, 19),
    "num_frames": 2,
    "audio_samples_per_frame": 8192,
    "output_shape": (1, 2, 32, 32),
    "output_num_channels": 32,
    "_label_trainable_num_channels": 16,
    "num_labels": 5,
}


@dataclass(frozen=True)
class Job:
    """One model: its class in both libraries, what it differs in from the default configuration, its picture's side."""

    class_name: str
    sizes: Mapping[str, Any]
    picture: int = 224


JOBS = {name: Job(model.class_name, model.config) for name, model in RELEASED_MODELS.items()}


def small(job: Job) -> Job:
    """The same model, small enough for a test."""
    return Job(job.class_name, _SMALL, picture=32)


def example(job: Job, config: Any, batch_size: int) -> tuple[dict[str, Any], Any]:
    """Forward arguments without labels, as both libraries take them, and the labels as ours does."""
    import torch

    generator = torch.Generator().manual_seed(1)

    def classes(count: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, count, shape, generator=generator)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    if job.class_name in ("PerceiverForMaskedLM", "PerceiverForSequenceClassification"):
        ids = classes(config.vocab_size, batch_size, config.max_position_embeddings)
        inputs = {"inputs": ids, "attention_mask": torch.ones_like(ids)}
        if job.class_name == "PerceiverForSequenceClassification":
            return inputs, classes(config.num_labels, batch_size)
        # As in masked language modelling, 15 % of the bytes are asked for.
        return inputs, torch.where(uniform(*ids.shape) < 0.15, ids, torch.full_like(ids, -100))
    if job.class_name == "PerceiverForOpticalFlow":
        height, width = config.train_size
        frames = 2 * uniform(batch_size, 2, 27, height, width) - 1
        return {"inputs": frames}, 40 * uniform(batch_size, height, width, 2) - 20
    if job.class_name == "PerceiverForMultimodalAutoencoding":
        frames, side = config.num_frames, job.picture
        num_pixels = frames * side**2
        num_patches = config.num_audio_samples // config.samples_per_patch
        arrays = {
            "image": uniform(batch_size, frames, config.image_channels, side, side),
            "audio": 2 * uniform(batch_size, config.num_audio_samples, 1) - 1,
            "label": torch.zeros(batch_size, config.num_labels),
        }
        points = {
            "image": torch.randperm(num_pixels, generator=generator)[:NUM_POINTS],
            "audio": torch.randperm(num_patches, generator=generator)[:NUM_POINTS],
            "label": None,
        }
        labels = {"label": classes(config.num_labels, batch_size)}
        return {"inputs": arrays, "subsampled_output_points": points}, labels
    pictures = 2 * uniform(batch_size, config.image_channels, job.picture, job.picture) - 1
    return {"inputs": pictures}, classes(config.num_labels, batch_size)


def own_loss(model: Any, inputs: Mapping[str, Any], labels: Any) -> Any:
    """The loss that the model itself computes."""
    return model(**inputs, labels=labels).loss


def outside_loss(job: Job) -> Callable[[Any, Mapping[str, Any], Any], Any]:
    """Transformers' own loss where it has one, else one computed on its logits."""
    return {
        "PerceiverForOpticalFlow": flow_loss,
        "PerceiverForMultimodalAutoencoding": multimodal_loss,
    }.get(job.class_name, own_loss)


def flow_loss(model: Any, inputs: Mapping[str, Any], labels: Any) -> Any:
    """Mean end-point error of the logits, which are in units of 20 pixels."""
    import torch

    return torch.linalg.vector_norm(model(**inputs).logits - labels / FLOW_TARGET_SCALE, dim=-1).mean()


def multimodal_loss(model: Any, inputs: Mapping[str, Any], labels: Any) -> Any:
    """Mean absolute errors of sound and pixels at their points, cross-entropy of the class, weighted as in the paper."""
    from torch.nn import functional as F

    logits, points = model(**inputs).logits, inputs["subsampled_output_points"]
    pixels = inputs["inputs"]["image"].movedim(2, -1).flatten(1, 3)[:, points["image"]]
    num_samples = logits["audio"].shape[1] // len(points["audio"])
    patches = inputs["inputs"]["audio"].unflatten(1, (-1, num_samples)).squeeze(-1)[:, points["audio"]]
    losses = {
        "audio": F.l1_loss(logits["audio"], patches.flatten(1)),
        "image": F.l1_loss(logits["image"], pixels),
        "label": F.cross_entropy(logits["label"], labels["label"]),
    }
    return sum(weight * losses[name] for name, weight in LOSS_WEIGHTS.items())
