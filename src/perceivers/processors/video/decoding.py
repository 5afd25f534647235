"""Pictures and sound of a stretch of a film, one after the other, as PyAV decodes them: a long film costs no memory."""

from __future__ import annotations

import importlib
import io
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from perceivers.errors import DataError, MissingExtraError, absent
from perceivers.text_files import pointer_told

# Decoders of compressed sound need a few packets before what they give is right.
SEEK_MARGIN = 0.3
# Headers round; a film that ends so much earlier than its header says was cut off.
MISSING_SECONDS = 0.5
# Pictures that the file itself places before its first one are never shown; times are rounded.
HIDDEN_BEFORE = 1e-3
# Pictures a second that no film has; such a rate says how finely times are told.
NOMINAL_RATE = 480.0
# Pictures whose times tell the rate.
MOST_TIMED = 1000
MOST_PIXELS = 1 << 27
DEFAULT_RATE = 25.0


class Stored(Protocol):
    """The content of a file that lies somewhere else and is fetched when it is needed."""

    def read(self) -> bytes:
        """Fetch it."""


Source = str | os.PathLike[str] | bytes | Stored


@dataclass(frozen=True)
class Picture:
    """One picture of a film.

    Args:
        time: when it is shown, in seconds from the film's first picture.
        frame: PyAV's frame.
    """

    time: float
    frame: Any

    def pixels(self) -> np.ndarray[Any, Any]:
        """[height, width, 3] uint8, turned as players show it."""
        return shown_pixels(self.frame)


@dataclass(frozen=True)
class Sound:
    """A piece of a film's sound.

    Args:
        time: of the first sample, in seconds from the film's first picture.
        samples: [channels, samples] float32 in [-1, 1].
        sampling_rate: in Hz.
    """

    time: float
    samples: np.ndarray[Any, Any]
    sampling_rate: int


@dataclass(frozen=True)
class Header:
    """What a film says of itself, before anything is decoded.

    Args:
        seconds: how long its pictures last, or its sound where it has no pictures; containers that do not say that give the
            longest stream's length. None where it does not say at all.
        num_pictures: how many it has; None where it does not say.
        picture_seconds: how long a picture is shown; from the times of the pictures where the file gives no rate, or one
            that only says how finely times are told (browsers: 1,000 Hz). None without pictures.
        has_sound: whether it has a sound stream.
    """

    seconds: float | None
    num_pictures: int | None
    picture_seconds: float | None
    has_sound: bool


def shown_pixels(frame: Any) -> np.ndarray[Any, Any]:
    """A decoded picture [height, width, 3] uint8, turned as players show it: telephones store films as the sensor lies."""
    pixels: np.ndarray[Any, Any] = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels


def read_header(source: Source, name: str) -> Header:
    """Open a film and read what it says of itself.

    Args:
        source: path, the content of a file, or what fetches that.
        name: what errors call it.
    """
    with _opened(source, name) as container:
        return header_of(container)


def decode(
    source: Source, name: str, begin: float = 0.0, *, pictures: bool = True, sound: bool = True
) -> Iterator[Picture | Sound]:
    """Decode the first picture stream and the first sound stream, in the order that the file has them.

    Args:
        source: path, the content of a file, or what fetches that.
        name: what errors call it.
        begin: seconds from the first picture; what is given starts there or earlier.
        pictures: whether pictures are decoded.
        sound: whether sound is decoded.

    Raises:
        DataError: the file is absent, no film, damaged, or ends before its header says (noticed where it is read to its end).
    """
    with _opened(source, name) as container:
        streams = _streams(container)
        chosen = [
            streams[kind]
            for kind, wanted in (("video", pictures), ("audio", sound))
            if wanted and kind in streams
        ]
        if not chosen:
            return
        for stream in chosen:
            stream.thread_type = "AUTO"
        origin = _origin(streams)
        if begin > SEEK_MARGIN:
            _seek(container, origin + begin - SEEK_MARGIN)
        ends = 0.0
        counted = 0
        for packet in container.demux(*chosen):
            if packet.stream.type == "video" and packet.is_discard:
                # After a cut without encoding anew, pictures before the cut are there for the decoder alone.
                counted += 1
            for frame in packet.decode():
                time = ends if frame.time is None else float(frame.time) - origin
                if packet.stream.type == "video":
                    counted += 1
                    ends = max(ends, time)
                    if time > -HIDDEN_BEFORE:
                        yield Picture(max(time, 0.0), frame)
                else:
                    piece = Sound(time, sample_values(frame), int(frame.sample_rate))
                    ends = max(ends, time + piece.samples.shape[1] / piece.sampling_rate)
                    yield piece
        _require_whole(
            _stated_header(container), name, counted if pictures and begin <= SEEK_MARGIN else None, ends
        )


@contextmanager
def _opened(source: Source, name: str) -> Iterator[Any]:
    try:
        av = importlib.import_module("av")
    except ImportError as error:
        raise MissingExtraError("av", "media", "Reading films") from error
    if not isinstance(source, str | os.PathLike):
        opened: Any = io.BytesIO(source if isinstance(source, bytes) else source.read())
    else:
        if not Path(source).is_file():
            raise DataError(f"`{name}` {absent(source)}")
        opened = os.fspath(source)
    try:
        # Names and comments in other alphabets may be no UTF-8.
        with av.open(opened, metadata_errors="replace") as container:
            for stream in container.streams.video:
                if stream.codec_context is None:
                    raise DataError(
                        f"`{name}` cannot be read as a film: nothing here knows the form of its pictures"
                    )
                if stream.width * stream.height > MOST_PIXELS:
                    raise DataError(
                        f"`{name}` must have pictures of at most {MOST_PIXELS:,} pixels, received "
                        f"{stream.width} x {stream.height}"
                    )
            yield container
    except av.FFmpegError as error:
        reason = error.strerror or str(error)
        if isinstance(source, str | os.PathLike | bytes) and (pointer := pointer_told(source)):
            raise DataError(f"`{name}` cannot be read as a film: {pointer}") from error
        raise DataError(
            f"`{name}` cannot be read as a film, it is damaged or of unknown kind: {reason}"
        ) from error


def _streams(container: Any) -> Mapping[str, Any]:
    """The first stream of pictures and the first of sound; a cover picture in a sound file counts as none."""
    found = {}
    for kind, streams in (("video", container.streams.video), ("audio", container.streams.audio)):
        playing = [stream for stream in streams if not _is_cover(stream)]
        if playing:
            found[kind] = playing[0]
    return found


def _is_cover(stream: Any) -> bool:
    return stream.type == "video" and "attached_pic" in str(stream.disposition).lower()


def _origin(streams: Mapping[str, Any]) -> float:
    """The time that the file gives its first picture, or its first sample where it has no pictures."""
    stream = streams.get("video") or streams["audio"]
    return float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0


def header_of(container: Any) -> Header:
    """See `read_header`; where the rate is measured the container is read, and stands at its beginning again."""
    header, streams = _stated_header(container), _streams(container)
    stated = header.picture_seconds
    if stated is None or 1.0 / NOMINAL_RATE < stated < math.inf:
        return header
    measured = _measured_seconds(container, streams["video"])
    return replace(header, picture_seconds=measured or (1.0 / DEFAULT_RATE if math.isinf(stated) else stated))


def _stated_header(container: Any) -> Header:
    streams = _streams(container)
    video = streams.get("video")
    rate = None if video is None else float(video.average_rate or video.guessed_rate or 0)
    leading = streams.get("video") or streams.get("audio")
    seconds = None
    if leading is not None and leading.duration is not None:
        seconds = float(leading.duration * leading.time_base)
    elif container.duration is not None:
        seconds = container.duration / 1_000_000
    return Header(
        seconds=seconds,
        num_pictures=(video.frames or None) if video is not None else None,
        picture_seconds=None if rate is None else 1.0 / rate if rate else math.inf,
        has_sound="audio" in streams,
    )


def _measured_seconds(container: Any, video: Any) -> float | None:
    """Seconds from a picture to the next, in the middle of the first thousand; None of a film of one picture."""
    times = []
    for packet in container.demux(video):
        if packet.pts is not None and not packet.is_discard:
            times.append(packet.pts)
        if len(times) == MOST_TIMED:
            break
    container.seek(0)
    steps = np.diff(np.unique(times))
    return float(np.median(steps) * video.time_base) if len(steps) else None


def _seek(container: Any, seconds: float) -> None:
    av = importlib.import_module("av")
    try:
        container.seek(max(0, int(seconds * 1_000_000)))
    except av.FFmpegError:
        # A file without an index, such as one that was streamed, is read from its start.
        container.seek(0)


def _require_whole(header: Header, name: str, num_pictures: int | None, seconds: float) -> None:
    """Raise DataError for a film that ends before its header says."""
    expected = header.num_pictures
    if expected is not None and num_pictures is not None and num_pictures < 0.98 * expected - 1:
        raise DataError(f"`{name}` is cut off: its header names {expected} pictures, received {num_pictures}")
    if header.seconds is not None and seconds < header.seconds - MISSING_SECONDS:
        raise DataError(
            f"`{name}` is cut off: its header says that it lasts {header.seconds:.2f} s, received {seconds:.2f} s"
        )


def sample_values(frame: Any) -> np.ndarray[Any, Any]:
    """[channels, samples] float32 in [-1, 1] of a decoded piece of sound, packed or planar."""
    values: np.ndarray[Any, Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    return (values.astype(np.float64) / -float(np.iinfo(values.dtype).min)).astype(np.float32)
