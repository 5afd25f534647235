"""A cell as sound at one rate: a path, the bytes of a file, or samples."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from perceivers.errors import DataError
from perceivers.kinds.cells import ending, first_bytes
from perceivers.processors.audio.files import read_samples, require_length, require_rate
from perceivers.processors.audio.mono import one_channel_of
from perceivers.processors.audio.polyphase import resampled

# Column of a table that has the rate, in Hz, of samples in another column.
RATE_COLUMN = "sampling_rate"
OWN_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".m4a", ".aac", ".wma", ".amr",
                ".mka", ".caf", ".w64", ".rf64")  # fmt: skip
# Films have these too: in a folder of sounds they are sounds, in a table the column's kind must be said.
AUDIO_SUFFIXES = (*OWN_SUFFIXES, ".3gp", ".webm", ".mp4")
# Share of the loudest channel's power below which the mean of the channels is nothing.
CANCELLED = 1e-4
# What the content of such files begins with; of RIFF and FORM the kind stands at the ninth byte.
_BEGINNINGS = (b"fLaC", b"OggS", b"ID3", b".snd")
_SOUND_BRANDS = (b"M4A ", b"M4B ")
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
    name = name_of(value)
    sound, rate = samples_of(value, root, own_rate)
    mono = one_channel(sound, name)
    require_length(len(mono) / rate * sampling_rate, name)
    return np.ascontiguousarray(resampled(mono, rate, sampling_rate).clip(-1.0, 1.0), dtype=np.float32)


def name_of(value: Any) -> str:
    """What messages call a cell: its path, where it has one."""
    path = value.get("path") if isinstance(value, Mapping) else value
    return f"`{path}`" if isinstance(path, str) and path else "`the sound`"


def one_channel(sound: Any, name: str) -> np.ndarray:
    """The mean of a sound's channels, [samples]; the loudest channel, with a warning, where they cancel each other.

    Left and right of opposite signs, as a wrongly wired microphone records them, have a mean of nothing.

    Args:
        sound: [samples], or [channels, samples] or [samples, channels].
        name: what messages call it.
    """
    mono = one_channel_of(sound, name=name.strip("`"))
    if np.ndim(sound) < 2:
        return mono
    values = np.asarray(sound)
    channels = values if values.shape[0] < values.shape[1] else values.T
    each = [one_channel_of(channel, name=name.strip("`")) for channel in channels]
    loudest = max(each, key=lambda channel: float(np.square(channel).mean()))
    power = float(np.square(loudest).mean())
    if power > 0.0 and float(np.square(mono).mean()) < CANCELLED * power:
        warnings.warn(
            f"the channels of {name} cancel each other (one is the other with its sign changed): the loudest one is heard "
            "instead of their mean",
            stacklevel=2,
        )
        return loudest
    return mono


def samples_of(value: Any, root: os.PathLike[str] | None, own_rate: int | None = None) -> tuple[Any, int]:
    """Samples of a sound, with its axis of channels where it has one, and their rate in Hz; arguments as `decode_audio`."""
    if isinstance(value, Mapping):
        if value.get("array") is not None:
            return samples_of(np.asarray(value["array"]), root, value.get("sampling_rate"))
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    sound: Any
    if isinstance(value, str) and value:
        sound, own_rate = read_samples(value if root is None else os.path.join(root, value))
    elif isinstance(value, bytes):
        sound, own_rate = read_samples(value)
    elif isinstance(value, np.ndarray | list):
        sound = np.asarray(value)
        if own_rate is None:
            raise DataError(
                f"samples need their rate in Hz, received none: give them as {{'array': SAMPLES, '{RATE_COLUMN}': RATE}}, or "
                f"their rate in the column {RATE_COLUMN!r} of their row"
            )
    else:
        raise DataError(f"a sound must be a path, the bytes of a sound file, or samples, received {value!r}")
    require_rate(own_rate, name_of(value))
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
        if content[4:8] == b"ftyp":
            return content[8:12] in _SOUND_BRANDS
        return content.startswith(_BEGINNINGS) or _is_mpeg_layer_3(content)
    return ending(cell) in OWN_SUFFIXES


def _is_mpeg_layer_3(content: bytes) -> bool:
    """Whether it begins with a frame of MPEG sound, layer 3: eleven ones, two bits of the version, and 01 for the layer."""
    return len(content) > 1 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2
