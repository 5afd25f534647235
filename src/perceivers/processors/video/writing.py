"""Films written frame by frame, with sound: H.264 and AAC in an .mp4."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from perceivers.errors import ConfigurationError, MissingExtraError, ShapeError
from perceivers.processors.audio.polyphase import resampled

# AAC knows a few rates only; this one every player does.
SOUND_RATE = 48_000
SOUND_PIECE = 1024
# Of 0 (no loss) to 51; 18 is hard to tell from no loss.
QUALITY = "18"


class VideoWriter:
    """Writes frames as they come, and the sound when it is closed; made by `video_writer`.

    Args:
        container: PyAV's, open for writing.
        frame_rate: in Hz.
        height: of the frames in pixels, even.
        width: of the frames in pixels, even.
        sampling_rate: of the sound in Hz; None writes none.
    """

    def __init__(
        self, container: Any, frame_rate: float, height: int, width: int, sampling_rate: int | None
    ) -> None:
        av = importlib.import_module("av")
        self._av, self._container = av, container
        self._height, self._width = height, width
        self._sampling_rate = sampling_rate
        has_h264 = "libx264" in av.codecs_available
        rate = Fraction(frame_rate).limit_denominator(1001)
        self._picture_seconds = 1 / rate
        self._pictures = container.add_stream("libx264" if has_h264 else "mpeg4", rate=rate)
        self._pictures.height, self._pictures.width, self._pictures.pix_fmt = height, width, "yuv420p"
        # One thread and no look ahead: either makes the file another one from time to time.
        self._pictures.thread_count = 1
        if has_h264:
            steady = "rc-lookahead=0:mbtree=0"
            self._pictures.options = {"crf": QUALITY, "preset": "fast", "x264-params": steady}
        else:
            self._pictures.bit_rate = max(1_000_000, 8 * height * width)
        self._sound = None
        if sampling_rate is not None:
            self._sound = container.add_stream("aac", rate=SOUND_RATE)
            self._sound.layout = "mono"
        self._waveforms: list[np.ndarray] = []
        self._count = 0

    def add(self, frames: np.ndarray, waveform: np.ndarray | None = None) -> None:
        """Write what follows.

        Args:
            frames: [num_frames, height, width, 3] uint8.
            waveform: [num_samples] in [-1, 1], beyond is clipped; None for silence of no length.
        """
        if tuple(frames.shape[1:]) != (self._height, self._width, 3) or frames.dtype != np.uint8:
            raise ShapeError(
                f"`frames` must be uint8 [num_frames, {self._height}, {self._width}, 3], received {frames.dtype} "
                f"{list(frames.shape)}"
            )
        if waveform is not None and (self._sound is None or waveform.ndim != 1):
            raise ShapeError(
                f"`waveform` must be [num_samples] in a film with sound, received {list(waveform.shape)}"
            )
        for pixels in frames:
            picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture.pts = self._count
            picture.time_base = self._picture_seconds
            self._count += 1
            self._container.mux(self._pictures.encode(picture))
        if waveform is not None:
            self._waveforms.append(np.clip(waveform.astype(np.float32), -1, 1))

    def finish(self) -> None:
        """Write the sound, and what the encoders hold back."""
        if self._sound is not None and self._waveforms and self._sampling_rate is not None:
            waveform = resampled(np.concatenate(self._waveforms), self._sampling_rate, SOUND_RATE)
            waveform = np.clip(waveform, -1, 1)
            for begin in range(0, len(waveform), SOUND_PIECE):
                samples = np.ascontiguousarray(waveform[None, begin : begin + SOUND_PIECE])
                piece = self._av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                piece.sample_rate, piece.pts = SOUND_RATE, begin
                piece.time_base = Fraction(1, SOUND_RATE)
                self._container.mux(self._sound.encode(piece))
        for stream in (self._pictures, self._sound):
            if stream is not None:
                self._container.mux(stream.encode(None))


@contextmanager
def video_writer(
    target: str | os.PathLike[str] | BinaryIO,
    frame_rate: float,
    height: int,
    width: int,
    sampling_rate: int | None = None,
) -> Iterator[VideoWriter]:
    """Open an .mp4 for writing.

    Args:
        target: path, or a file open for writing and seeking.
        frame_rate: in Hz.
        height: of the frames in pixels, even.
        width: of the frames in pixels, even.
        sampling_rate: of the sound that is added, in Hz; None writes a film without sound.
    """
    if height < 2 or width < 2 or height % 2 or width % 2:
        raise ConfigurationError(
            f"`height` and `width` must be even and at least 2, received {height} x {width}"
        )
    try:
        av = importlib.import_module("av")
    except ImportError as error:
        raise MissingExtraError("av", "media", "Writing films") from error
    place = os.fspath(target) if isinstance(target, str | os.PathLike) else target
    with av.open(place, mode="w", format="mp4") as container:
        writer = VideoWriter(container, frame_rate, height, width, sampling_rate)
        yield writer
        writer.finish()
