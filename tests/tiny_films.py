"""Small films with and without sound, made with PyAV: lossless ones whose values are known, and compressed ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_film(
    path: Path,
    *,
    frames: np.ndarray | None = None,
    waveform: np.ndarray | None = None,
    frame_rate: int = 10,
    sampling_rate: int = 8000,
) -> Path:
    """Write frames [num_frames, height, width, 3] uint8 and sound [channels, samples] in [-1, 1]; one may be left out.

    A path that ends in .mkv keeps every value: pictures by FFV1, sound as 16-bit numbers. So does the sound of .mov, whose
    times are exact. Others are H.264 and AAC.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lossless = path.suffix == ".mkv"
    with av.open(str(path), mode="w") as container:
        pictures = sound = None
        if frames is not None:
            pictures = container.add_stream("ffv1" if lossless else "libx264", rate=frame_rate)
            pictures.height, pictures.width = frames.shape[1:3]
            pictures.pix_fmt = "bgr0" if lossless else "yuv420p"
        if waveform is not None:
            sound = container.add_stream("aac" if path.suffix == ".mp4" else "pcm_s16le", rate=sampling_rate)
            sound.layout = "mono" if len(waveform) == 1 else "stereo"
        for index, pixels in enumerate(() if frames is None else frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, frame_rate)
            container.mux(pictures.encode(picture))
        if sound is not None:
            samples = np.round(waveform * 32767).astype(np.int16)
            for begin in range(0, samples.shape[1], 1000):
                part = np.ascontiguousarray(samples[:, begin : begin + 1000].T.reshape(1, -1))
                piece = av.AudioFrame.from_ndarray(part, format="s16", layout=sound.layout.name)
                piece.sample_rate, piece.pts = sampling_rate, begin
                piece.time_base = Fraction(1, sampling_rate)
                container.mux(sound.encode(piece))
        for stream in (pictures, sound):
            if stream is not None:
                container.mux(stream.encode(None))
    return path


def grey_frames(count: int, height: int = 6, width: int = 10) -> np.ndarray:
    """Frame k is grey with the value 10 k + 5."""
    return np.stack([np.full((height, width, 3), 10 * index + 5, dtype=np.uint8) for index in range(count)])


def moving_square(count: int, height: int = 24, width: int = 32, *, downwards: bool = False) -> np.ndarray:
    """A bright square on a dark ground that moves to the right, or down."""
    frames = np.full((count, height, width, 3), 40, dtype=np.uint8)
    for index in range(count):
        place = round((height - 8) * index / max(count - 1, 1))
        top, left = (place, 12) if downwards else (8, place)
        frames[index, top : top + 8, left : left + 8] = (220, 180, 90)
    return frames


def tone(samples: int, frequency: float, sampling_rate: int = 8000, loudness: float = 0.5) -> np.ndarray:
    """One channel of a sine, [1, samples]."""
    times = np.arange(samples) / sampling_rate
    return (loudness * np.sin(2 * np.pi * frequency * times))[None]
