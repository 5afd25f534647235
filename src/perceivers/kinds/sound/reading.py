"""A cell as sound at one rate: a path, the bytes of a file, or samples."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from perceivers.errors import DataError, MissingExtraError
from perceivers.kinds.cells import ending, first_bytes
from perceivers.processors.audio.files import read_audio
from perceivers.processors.audio.processor import to_mono
from perceivers.processors.audio.resampling import resample

# Column of a table that has the rate, in Hz, of samples in another column.
RATE_COLUMN = "sampling_rate"
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au")
# What the content of such files begins with; of RIFF and FORM the kind stands at the ninth byte.
_BEGINNINGS = (b"fLaC", b"OggS", b"ID3", b".snd")
_CONTAINERS = {b"RIFF": b"WAVE", b"FORM": b"AIF"}


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

    Raises:
        DataError: it is something else, or cannot be read.
    """
    sound, rate = samples_of(value, root, own_rate)
    mono = resample(to_mono(sound, name="the sound"), rate, sampling_rate).clamp(-1.0, 1.0)
    return np.ascontiguousarray(mono.numpy(), dtype=np.float32)


def samples_of(value: Any, root: os.PathLike[str] | None, own_rate: int | None = None) -> tuple[Any, int]:
    """Samples of a sound, with its axis of channels where it has one, and their rate in Hz; arguments as `decode_audio`."""
    if isinstance(value, Mapping):
        if value.get("array") is not None:
            return samples_of(np.asarray(value["array"]), root, value.get("sampling_rate"))
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    sound: Any
    if isinstance(value, str) and value:
        sound, own_rate = read_audio(value if root is None else os.path.join(root, value))
    elif isinstance(value, bytes):
        sound, own_rate = _read_bytes(value)
    elif isinstance(value, np.ndarray | list):
        sound = np.asarray(value)
        if own_rate is None:
            raise DataError(f"samples need their rate in Hz in the column {RATE_COLUMN!r}, received none")
    else:
        raise DataError(f"a sound must be a path, the bytes of a sound file, or samples, received {value!r}")
    return sound, int(own_rate)


def looks_like_sound(cell: Any) -> bool:
    """Whether a cell is the path or the content of a sound file, or samples with their rate."""
    if isinstance(cell, Mapping) and cell.get("array") is not None:
        return "sampling_rate" in cell
    content = first_bytes(cell)
    if content:
        kind = _CONTAINERS.get(content[:4])
        if kind:
            return content[8:].startswith(kind)
        return content.startswith(_BEGINNINGS) or _is_mpeg_layer_3(content)
    return ending(cell) in AUDIO_SUFFIXES


def _is_mpeg_layer_3(content: bytes) -> bool:
    """Whether it begins with a frame of MPEG sound, layer 3: eleven ones, two bits of the version, and 01 for the layer."""
    return len(content) > 1 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2


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
