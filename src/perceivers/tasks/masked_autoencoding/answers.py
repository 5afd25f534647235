"""What a run's model, or its exported file, says of the hidden points of films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.kinds.video.reading import VIDEO_SUFFIXES, reader_of, sounding_film
from perceivers.metrics.decibels import decibels_of
from perceivers.processors.video.clip import stacked
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.tasks.arrays import logits_of
from perceivers.tasks.base import Prediction, Unreadable
from perceivers.tasks.each_file import of_each_file
from perceivers.tasks.masked_autoencoding.pattern import Pattern


def guessed_films(
    model: Any,
    reader: PerceiverClipReader,
    pattern: Pattern,
    inputs: Sequence[str],
    left_out: list[Unreadable] | None,
) -> list[Prediction]:
    """Hide most of the middle clip of each film of files and folders, see `guess_film`.

    Args:
        model: in evaluation mode, or exported.
        reader: cuts the clips.
        pattern: what is hidden.
        inputs: files and folders.
        left_out: receives what cannot be read; None: the first such input is an error.
    """
    say = partial(guess_film, model, reader, pattern)
    return of_each_file(say, inputs, left_out, suffixes=VIDEO_SUFFIXES, what="video")


def answers_of_export(
    model: Any, arguments: Any, inputs: Sequence[str], left_out: list[Unreadable] | None
) -> list[Prediction]:
    """The same by an exported model, see `perceivers.tasks.registry.TaskEntry.exported`."""
    folder = Path(model.folder)
    reader = reader_of(folder, arguments.cache_megabytes)
    return guessed_films(model, reader, Pattern.load(folder), inputs, left_out)


def guess_film(model: Any, reader: PerceiverClipReader, pattern: Pattern, path: str) -> Prediction:
    """Hide most of a film's middle clip, and say what was there.

    Args:
        model: see `guessed_films`.
        reader: cuts the clip.
        pattern: what is hidden.
        path: the film; it must have pictures and sound.

    Returns:
        `values`: the second that the clip begins at, and PSNRs of the hidden points in dB. `shown`: `shape` (frames, height,
        width), and `truth`, `hidden` and `said`, each by `image` and `audio`, as points.
    """
    film = sounding_film(reader, path)
    start = (film.num_frames - reader.num_frames) // 2
    points = points_of(stacked([reader.read(film, start)]))
    visible = {name: each[None] for name, each in pattern.visible.items()}
    answers = logits_of(model, inputs=points, **visible)
    truth = {name: each[0] for name, each in points.items()}
    said = {name: answers[name][0] for name in truth}
    values = {"second": start / reader.frame_rate, **_measured(truth, said, pattern)}
    shape = (reader.num_frames, reader.height, reader.width)
    return Prediction(path, values, {"shape": shape, "truth": truth, "hidden": pattern.hidden, "said": said})


def points_of(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pixels in raster order [batch, points, 3] in [-1, 1], frame by frame, and samples [batch, points, 1] in [-1, 1].

    Args:
        batch: see `perceivers.processors.video.clip.stacked`.
    """
    pixels = batch["image"].transpose(0, 1, 3, 4, 2)
    return {"image": 2 * pixels.reshape(len(pixels), -1, 3) - 1, "audio": batch["audio"]}


def _measured(
    truth: Mapping[str, np.ndarray], said: Mapping[str, np.ndarray], pattern: Pattern
) -> dict[str, float]:
    def error(name: str, values: np.ndarray) -> float:
        squares = np.square(values.astype(np.float64) - truth[name]).mean(axis=-1)
        return float(squares[pattern.hidden[name]].mean()) if pattern.hidden[name].any() else 0.0

    def psnr(name: str, values: np.ndarray) -> float:
        # Colours of the model are twice as wide as those in [0, 1], whose peak is 1.
        return decibels_of(1.0, error(name, values) / (4 if name == "image" else 1))

    return {
        "video_psnr": psnr("image", said["image"].clip(-1, 1)),
        "video_psnr_of_nearest_visible": psnr("image", pattern.nearest_values("image", truth["image"])),
        "audio_psnr": psnr("audio", said["audio"].clip(-1, 1)),
    }
