"""Labelled sound from the rows of a table: what a row may hold, and what a training sample is changed into."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perceivers.data.rows import class_id
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError, MissingExtraError
from perceivers.processors.audio.effects import (
    add_noise,
    amplify,
    change_speed,
    crop,
    draw_bands,
    pad_around,
    shift,
)
from perceivers.processors.audio.files import read_audio
from perceivers.processors.audio.processor import to_mono
from perceivers.processors.audio.resampling import resample
from perceivers.tasks.audio_classification.options import AudioClassificationArguments

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au")
# Decibels that the noise may lie below the loudest that `noise` allows.
NOISE_RANGE = 30.0


@dataclass(frozen=True)
class AudioSample:
    """One sound with its class or labels.

    Args:
        waveform: float32 [num_samples] in [-1, 1], at the model's rate.
        label: id of its class, or float32 [num_labels] with 1 for each label that it has.
        time_bands: float64 [count, 2], begin and end of the stretches of time that are hidden, as shares of the sound.
        frequency_bands: the same of the frequency bands.
    """

    waveform: np.ndarray
    label: int | np.ndarray
    time_bands: np.ndarray | None = None
    frequency_bands: np.ndarray | None = None


@dataclass(frozen=True)
class AudioDecoder:
    """From a row to a labelled sound.

    Args:
        audio_column: column with a path, the bytes of a sound file, or samples, see `decode_audio`.
        label_column: column with the class, or the labels.
        class_names: names of the classes by id.
        sampling_rate: of the result, in Hz.
        separator: what divides several labels in one text; None where each sample has exactly one class.
    """

    audio_column: str
    label_column: str
    class_names: Sequence[str]
    sampling_rate: int
    separator: str | None = None

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> AudioSample:
        """Decode one row."""
        value = row[self.label_column]
        label: int | np.ndarray
        if self.separator is None:
            label = class_id(value, self.class_names, self.label_column)
        else:
            label = np.zeros(len(self.class_names), dtype=np.float32)
            for name in split_labels(value, self.separator):
                label[class_id(name, self.class_names, self.label_column)] = 1.0
        return AudioSample(self.waveform(row, table), label)

    def waveform(self, row: Mapping[str, Any], table: Table | StreamTable) -> np.ndarray:
        """Decode the sound of a row alone."""
        return decode_audio(row[self.audio_column], table.root, self.sampling_rate, row.get("sampling_rate"))


def decode_audio(
    value: Any, root: os.PathLike[str] | None, sampling_rate: int, own_rate: int | None = None
) -> np.ndarray:
    """Decode what a table holds for a sound.

    Args:
        value: a path, relative to `root`; bytes of a sound file; samples in [-1, 1], [num_samples] or with an axis of
            channels, at `own_rate`; or a mapping with `bytes`, `path`, or `array` and `sampling_rate`, as data sets on the
            hub have.
        root: folder that relative paths belong to; None for the working folder.
        sampling_rate: of the result, in Hz.
        own_rate: of samples, in Hz; files know their own.

    Returns:
        float32 [num_samples] in [-1, 1]: the mean of the channels.
    """
    if isinstance(value, Mapping):
        if value.get("array") is not None:
            return decode_audio(np.asarray(value["array"]), root, sampling_rate, value.get("sampling_rate"))
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    sound: Any
    if isinstance(value, str) and value:
        sound, own_rate = read_audio(value if root is None else os.path.join(root, value))
    elif isinstance(value, bytes):
        sound, own_rate = _read_bytes(value)
    elif isinstance(value, np.ndarray | list):
        sound = np.asarray(value)
        if own_rate is None:
            raise DataError("samples need their rate in Hz in the column 'sampling_rate', received none")
    else:
        raise DataError(f"a sound must be a path, the bytes of a sound file, or samples, received {value!r}")
    mono = resample(to_mono(sound, name="the sound"), int(own_rate), sampling_rate).clamp(-1.0, 1.0)
    return np.ascontiguousarray(mono.numpy(), dtype=np.float32)


def split_labels(value: Any, separator: str) -> list[str]:
    """Labels of one sample: the entries of a list, or what `separator` divides; none where the value is empty."""
    if value is None:
        return []
    parts = value if isinstance(value, list | tuple) else str(value).split(separator)
    return [text for text in (str(part).strip() for part in parts) if text]


def names_of_labels(table: Table | StreamTable, column: str, separator: str) -> tuple[str, ...]:
    """All labels of a column whose rows have several each, by letter; a DataError where there is none."""
    names = {name for value in table.column(column) for name in split_labels(value, separator)}
    if not names:
        raise DataError(
            f"`{table.source}` must hold labels in the column {column!r}, received only empty ones"
        )
    return tuple(sorted(names))


def vary_sound(
    sample: AudioSample, chosen: AudioClassificationArguments, generator: np.random.Generator
) -> AudioSample:
    """Change speed, place, noise and loudness at random, and choose what is hidden of the spectrogram."""
    sound = sample.waveform
    if chosen.speed:
        sound = change_speed(sound, 1.0 + generator.uniform(-chosen.speed, chosen.speed))
    if chosen.clip_samples is not None:
        sound = pad_around(crop(sound, chosen.clip_samples, generator.random()), chosen.clip_samples, 0.5)
    if chosen.shift:
        sound = shift(sound, round(generator.uniform(-chosen.shift, chosen.shift) * len(sound)))
    if chosen.noise is not None and generator.random() < 0.5:
        noise = generator.standard_normal(len(sound), dtype=np.float32)
        sound = add_noise(sound, noise, chosen.noise + generator.uniform(0.0, NOISE_RANGE))
    if chosen.gain:
        sound = amplify(sound, generator.uniform(-chosen.gain, chosen.gain))
    hidden = {
        "time_bands": draw_bands(generator, chosen.time_masks, chosen.time_mask_share),
        "frequency_bands": draw_bands(generator, chosen.frequency_masks, chosen.frequency_mask_share),
    }
    return replace(sample, waveform=sound, **hidden)


def cut_clips(waveform: np.ndarray, num_samples: int, count: int) -> list[np.ndarray]:
    """Clips of equal length, evenly spread over a sound, the first at its beginning and the last at its end.

    Args:
        waveform: [samples]; a sound that is not longer than a clip lies in the middle of silence, in all clips alike.
        num_samples: length of a clip.
        count: how many; 1 gives the middle.
    """
    starts = np.linspace(0.0, 1.0, count) if count > 1 else [0.5]
    return [pad_around(crop(waveform, num_samples, start), num_samples, 0.5) for start in starts]


def _read_bytes(content: bytes) -> tuple[np.ndarray, int]:
    try:
        import soundfile
    except ImportError as error:
        raise MissingExtraError("soundfile", "media", "reading sound files") from error
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise DataError(f"the sound in the row cannot be read: {error}") from error
    return samples.T, int(rate)
