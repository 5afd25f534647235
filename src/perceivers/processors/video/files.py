"""Video files, frames and sound, read with PyAV."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.errors import DataError, MissingExtraError, no_file
from perceivers.processors.video.decoding import DEFAULT_RATE, header_of, sample_values, shown_pixels


@dataclass(frozen=True)
class Video:
    """What a video file holds.

    Args:
        frames: [num_frames, height, width, 3] uint8.
        frame_rate: frames a second.
        waveform: [channels, samples] float32 in [-1, 1]; None without sound.
        sampling_rate: of the sound, in Hz; None without.
    """

    frames: Tensor
    frame_rate: float
    waveform: Tensor | None
    sampling_rate: int | None


def read_video(path: str | os.PathLike[str], *, max_frames: int | None = None) -> Video:
    """Read a video file, its first picture stream and its first sound stream.

    Args:
        path: the file.
        max_frames: read no further than so many frames, and as much sound as they last; None: all.
    """
    try:
        av = importlib.import_module("av")
    except ImportError as error:
        raise MissingExtraError("av", "media", "reading video files") from error
    file = Path(path)
    if not file.is_file():
        raise DataError(f"`{file}` is not a video file: {no_file(file)}")
    try:
        with av.open(str(file), metadata_errors="ignore") as container:
            return _decoded(container, file, max_frames)
    except av.FFmpegError as error:
        raise DataError(
            f"`{file}` cannot be read as a video, it is damaged or of unknown kind: {error}"
        ) from error


def _decoded(container: Any, file: Path, max_frames: int | None) -> Video:
    if not container.streams.video:
        raise DataError(f"`{file}` holds no picture stream")
    pictures = container.streams.video[0]
    pictures.thread_type = "AUTO"
    sound = container.streams.audio[0] if container.streams.audio else None
    rate = 1.0 / (header_of(container).picture_seconds or 1.0 / DEFAULT_RATE)
    seconds = None if max_frames is None else max_frames / rate
    frames: list[np.ndarray[Any, Any]] = []
    pieces: list[np.ndarray[Any, Any]] = []
    sound_is_read = sound is None
    for packet in container.demux(*([pictures] if sound is None else [pictures, sound])):
        for frame in packet.decode():
            if packet.stream is pictures:
                if max_frames is None or len(frames) < max_frames:
                    frames.append(shown_pixels(frame))
            else:
                pieces.append(sample_values(frame))
                read = sum(piece.shape[1] for piece in pieces)
                sound_is_read = seconds is not None and read >= seconds * frame.sample_rate
        if max_frames is not None and len(frames) >= max_frames and sound_is_read:
            break
    if not frames:
        raise DataError(f"`{file}` holds no frames that can be decoded")
    waveform = torch.from_numpy(np.concatenate(pieces, axis=1)) if pieces else None
    sampling_rate = int(sound.rate) if sound is not None and pieces else None
    if waveform is not None and seconds is not None and sampling_rate is not None:
        waveform = waveform[:, : round(seconds * sampling_rate)].clone()
    return Video(torch.from_numpy(np.stack(frames)), rate, waveform, sampling_rate)
