"""What a reconstruction stands beside: still frames of the training clips, silence, and the most frequent class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from perceivers.metrics.running import Metric, Metrics, finite
from perceivers.metrics.signal_to_noise import mean_squared_errors
from perceivers.rivals.majority import beside_majority
from perceivers.rivals.reading import MOST_ASKED, MOST_SECONDS, read_evenly
from perceivers.rivals.still_frames import Moments, StillFrames, moments

# The mean of all sound is silence.
NEAREST, MEAN = "nearest frame", "training mean"
PICTURES, SOUNDS = ("video_psnr",), ("audio_psnr", "audio_snr")
# Values of mean frames that are held in memory: 128 MB.
MOST_VALUES = 2**24

Batch = Mapping[str, Tensor]


def beside_clips(
    read: Callable[[Any], Batch],
    metrics: Callable[[], Mapping[str, Metric]],
    train: Any,
    asked: Any,
    *,
    values: int,
) -> dict[str, Any] | None:
    """Measure what needs no model on clips, see `Task.stand_beside`.

    Args:
        read: gives a sample as a batch of one, see `VideoAutoencoding.collate`.
        metrics: gives fresh metrics of the task.
        train: the training clips.
        asked: the clips to measure on.
        values: of a frame.
    """
    most = max(1, min(MOST_ASKED, MOST_VALUES // values))
    # Half of the time each, so that slow films leave some for the training clips.
    clips = list(
        read_evenly(asked, lambda sample: _summary(read(sample)), most=most, seconds=MOST_SECONDS / 2)
    )
    if not clips:
        return None
    still, labels, trained = StillFrames([clip.moments for clip in clips]), [], 0
    for batch in read_evenly(train, read, seconds=MOST_SECONDS / 2):
        still.show(batch["image"][0])
        labels += _labels(batch)
        trained += 1
    if not trained:
        return None
    silence = torch.cat([clip.silence for clip in clips])
    nearest = Metrics({name: metrics()[name] for name in PICTURES})
    nearest.update(video_error=still.errors_of_nearest)
    mean = Metrics({name: metrics()[name] for name in (*PICTURES, *SOUNDS)})
    mean.update(video_error=still.errors_of_mean, audio_error=silence, audio_energy=silence)
    return {
        "method": NEAREST,
        "trivial": MEAN,
        NEAREST: finite(nearest),
        MEAN: {**finite(mean), **_accuracy(labels, [label for clip in clips for label in clip.labels])},
        "training_samples": trained,
        "samples": len(clips),
    }


@dataclass(frozen=True)
class _Summary:
    """What is kept of a clip.

    Args:
        moments: of its pictures.
        silence: mean squared error of silence [1].
        labels: id of its class; none without classes.
    """

    moments: Moments
    silence: Tensor
    labels: list[int]


def _summary(batch: Batch) -> _Summary:
    sound = batch["audio"]
    silence = mean_squared_errors(torch.zeros_like(sound), sound)
    return _Summary(moments(batch["image"][0]), silence, _labels(batch))


def _labels(batch: Batch) -> list[int]:
    return [int(label) for label in batch["label"]] if "label" in batch else []


def _accuracy(trained: Sequence[int], asked: Sequence[int]) -> dict[str, float]:
    """Of the class that most training clips have; nothing without classes."""
    if not trained:
        return {}
    found = beside_majority({"label": ("class", trained, asked)}).measures["label"]
    return {"accuracy": found["accuracy"]}
