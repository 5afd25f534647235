"""Sound files: read with soundfile (WAV, FLAC, OGG, MP3), written as 16-bit."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import DataError, MissingExtraError, ShapeError


def read_audio(path: str | os.PathLike[str]) -> tuple[Tensor, int]:
    """Read a sound file.

    Returns:
        [channels, samples] float32 in [-1, 1], and the sampling rate in Hz.
    """
    soundfile = _soundfile("reading sound files")
    file = Path(path)
    if not file.is_file():
        raise DataError(f"`{file}` is not a sound file: there is no such file")
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise DataError(
            f"`{file}` cannot be read as sound, it is damaged or of unknown kind: {error}"
        ) from error
    if samples.shape[0] == 0:
        raise DataError(f"`{file}` holds no samples")
    return torch.from_numpy(samples.T.copy()), int(rate)


def write_audio(path: str | os.PathLike[str], waveform: Tensor, sampling_rate: int) -> None:
    """Write sound as 16-bit samples, in the format that the path's suffix names.

    Args:
        path: such as "sound.wav".
        waveform: [samples] or [channels, samples] in [-1, 1]; beyond is clipped.
        sampling_rate: in Hz.
    """
    soundfile = _soundfile("writing sound files")
    if waveform.ndim not in (1, 2):
        raise ShapeError(
            f"`waveform` must have shape [samples] or [channels, samples], received {list(waveform.shape)}"
        )
    samples = (waveform.detach().float().cpu().clamp(-1, 1) * 32767).round().to(torch.int16)
    soundfile.write(
        os.fspath(path), samples.T.numpy() if samples.ndim == 2 else samples.numpy(), sampling_rate
    )


def _soundfile(purpose: str) -> Any:
    try:
        return importlib.import_module("soundfile")
    except ImportError as error:
        raise MissingExtraError("soundfile", "media", purpose) from error
