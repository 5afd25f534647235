"""Films given again by a run's model or by its exported file: which films are asked about, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from perceivers.data.opening import find_files
from perceivers.kinds.video.reading import VIDEO_SUFFIXES, reader_of
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.tasks.base import FILES, Prediction, Unreadable, guarded
from perceivers.tasks.video_autoencoding.prediction import class_names, reconstruct_film


def reconstructed_films(
    model: Any,
    reader: PerceiverClipReader,
    class_names: Sequence[str],
    inputs: Sequence[str],
    left_out: list[Unreadable] | None,
) -> list[Prediction]:
    """Reconstruct each film of files and folders, see `reconstruct_film`.

    Args:
        model: prepared, or exported.
        reader: cuts the clips.
        class_names: names of the classes by id; none where the model has no classes.
        inputs: files and folders.
        left_out: receives what cannot be read; None: the first such input is an error.
    """

    def films(given: str) -> Iterator[str]:
        yield from map(str, find_files([given], VIDEO_SUFFIXES, "video"))

    def made(film: str) -> Iterator[Prediction]:
        yield reconstruct_film(model, reader, film, class_names)

    return [
        prediction
        for given in inputs
        for film in guarded(given, films(given), left_out)
        for prediction in guarded(film, made(film), left_out)
    ]


def answers_of_export(
    model: Any, arguments: Any, inputs: Sequence[str], left_out: list[Unreadable] | None
) -> list[Prediction]:
    """The same by an exported model, see `perceivers.tasks.registry.TaskEntry.exported`; films are files of the answers."""
    names = class_names(model) if arguments.label_column is not None else []
    reader = reader_of(Path(model.folder), arguments.cache_megabytes)
    predictions = reconstructed_films(model, reader, names, inputs, left_out)
    return [
        replace(each, shown={FILES: {f"{name}.mp4": each.shown["film"]}})
        for name, each in zip(names_of_films(predictions), predictions, strict=True)
    ]


def names_of_films(predictions: Sequence[Prediction]) -> list[str]:
    """What the film of each prediction is called, without its ending: as what it was made of; all are different."""
    names: list[str] = []
    for number, prediction in enumerate(predictions, start=1):
        stem = Path(prediction.source).stem
        names.append(f"{stem}_{number}" if stem in names else stem)
    return names
