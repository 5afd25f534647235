"""How far reconstructed clips are off, measured on all of their points in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from perceivers.metrics.signal_to_noise import mean_squared_errors

# Pixels and samples that are reconstructed at a time: six clips of 16 x 224 x 224, and many small ones.
VALUES_AT_A_TIME = 2**24


def reconstructions(model: Any, image: Tensor, audio: Tensor) -> Iterator[tuple[slice, dict[str, Tensor]]]:
    """Reconstruct some clips at a time, without telling the model their class.

    Args:
        model: with a method `reconstruct`.
        image: [batch, frames, 3, height, width] in [0, 1].
        audio: [batch, samples, 1] in [-1, 1].

    Yields:
        Which clips, and their `image` and `audio` as above, clipped to their ranges, and `label` [clips, num_labels].
    """
    size = max(1, VALUES_AT_A_TIME // (image[0].numel() + audio[0].numel()))
    for begin in range(0, len(image), size):
        rows = slice(begin, begin + size)
        found = model.reconstruct({"image": image[rows], "audio": audio[rows]})
        yield (
            rows,
            {
                "image": found["image"].float().clamp(0, 1),
                "audio": found["audio"].float().clamp(-1, 1),
                "label": found["label"].float(),
            },
        )


def measure_clips(
    model: Any, batch: Mapping[str, Tensor], weights: Mapping[str, float]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Reconstruct all points of a batch of clips and compare.

    Args:
        model: see `reconstructions`.
        batch: `image`, `audio` and, where there are classes, `label` [batch].
        weights: of the losses, by the same names.

    Returns:
        Mean loss; and for each clip [batch] the mean squared errors `video_error` and `audio_error`, the mean square of the
        truth `audio_energy`, the mean squared error of the clip's mean colour `video_variance`, its loss `value`; with
        classes `preds` [batch, num_labels] and `target` [batch].
    """
    image, audio = batch["image"], batch["audio"]
    found: dict[str, list[Tensor]] = {}
    for rows, made in reconstructions(model, image, audio):
        true_image, true_audio = image[rows], audio[rows]
        loss = weights["image"] * _mean_of_each((made["image"] - true_image).abs())
        loss = loss + weights["audio"] * _mean_of_each((made["audio"] - true_audio).abs())
        mean_colour = true_image.mean(dim=(1, 3, 4), keepdim=True).expand_as(true_image)
        some = {
            "video_error": mean_squared_errors(made["image"], true_image),
            "audio_error": mean_squared_errors(made["audio"], true_audio),
            "audio_energy": mean_squared_errors(torch.zeros_like(true_audio), true_audio),
            "video_variance": mean_squared_errors(mean_colour, true_image),
        }
        if "label" in batch:
            target = batch["label"][rows]
            loss = loss + weights["label"] * F.cross_entropy(made["label"], target, reduction="none")
            some.update(preds=made["label"], target=target)
        for name, values in {**some, "value": loss}.items():
            found.setdefault(name, []).append(values)
    measured = {name: torch.cat(values) for name, values in found.items()}
    return measured["value"].mean(), measured


def _mean_of_each(values: Tensor) -> Tensor:
    return values.flatten(1).mean(dim=1)
