"""Clips of films: so many pictures at one rate and size, with the sound that belongs to them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from perceivers.errors import CheckpointError, ConfigurationError, DataError
from perceivers.processors.audio.mono import one_channel_of
from perceivers.processors.image.geometry import largest_box
from perceivers.processors.video.clip import Clip
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.processors.video.decoding import Header, Picture, Sound, Source, decode, read_header
from perceivers.processors.video.frame_window import FrameWindow, whole_frames
from perceivers.processors.video.sound_window import SoundWindow

PROCESSOR_FILE = "preprocessor_config.json"
# Quieter than the last bit of 16: there is nothing to bring to full scale.
SILENCE = 1e-5
# Sound is decoded so many seconds further than a clip goes, for the resampling filter.
SOUND_MARGIN = 0.05


def key_of(source: str | os.PathLike[str] | bytes) -> str:
    """What a cache knows a film by: its path with the time and size of the file, or a digest of the content.

    A path that holds another film by now, as it may in a program that answers for long, is another key.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    path = os.fspath(source)
    try:
        found = os.stat(path)
    except OSError:
        # It is reported when it is read.
        return path
    return f"{path} {found.st_mtime_ns} {found.st_size}"


@dataclass(frozen=True)
class Film:
    """What a survey finds out about a film.

    Args:
        source: path, the content of a file, or what fetches that.
        name: what errors call it.
        key: see `key_of`.
        num_frames: length at the reader's frame rate.
        has_video: whether it has pictures.
        has_sound: whether it has sound.
        gain: factor that brings its loudest sample to 1; 1.0 where the reader leaves the sound as it is.
    """

    source: Source = field(repr=False)
    name: str
    key: str = field(repr=False)
    num_frames: int
    has_video: bool
    has_sound: bool
    gain: float


@dataclass(frozen=True)
class PerceiverClipReader:
    """Cuts clips of one length, frame rate and size out of films.

    Frame k of a film is the picture that is shown nearest to k / frame_rate seconds; its sound is the mean of the
    channels, resampled. Equal calls give equal clips.

    Args:
        num_frames: frames of a clip.
        frame_rate: in Hz.
        height: in pixels; the largest middle part of these proportions is cut from each picture and resized.
        width: in pixels.
        samples_per_frame: samples of sound that belong to a frame; the sampling rate is frame_rate times as much.
        normalize_sound: bring the loudest sample of each film to 1.
        cache: where films of this size are kept; None: nowhere, films are decoded whenever they are asked for.

    Example:
        reader = PerceiverClipReader(16, 25.0, 224, 224, 1920)
        film = reader.survey("film.mp4")
        clip = reader.read(film, first=100)  # frames [16, 3, 224, 224], waveform [30720], from second 4 on
    """

    num_frames: int = 16
    frame_rate: float = 25.0
    height: int = 224
    width: int = 224
    samples_per_frame: int = 1920
    normalize_sound: bool = False
    cache: ClipCache | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("num_frames", "height", "width", "samples_per_frame"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"`{name}` must be at least 1, received {getattr(self, name)}")
        rate = self.frame_rate * self.samples_per_frame
        if not self.frame_rate > 0 or rate != int(rate):
            raise ConfigurationError(
                "`frame_rate` times `samples_per_frame` must be a whole number of samples a second, received "
                f"{self.frame_rate} times {self.samples_per_frame}"
            )

    @property
    def sampling_rate(self) -> int:
        """Of the sound, in Hz."""
        return round(self.frame_rate * self.samples_per_frame)

    @property
    def num_samples(self) -> int:
        """Samples of sound of a clip."""
        return self.num_frames * self.samples_per_frame

    @property
    def seconds(self) -> float:
        """Length of a clip."""
        return self.num_frames / self.frame_rate

    def survey(self, source: Source, name: str | None = None, *, whole: bool = True) -> Film:
        """Find out how long a film is and what it holds.

        Args:
            source: path, the content of a file, or what fetches that.
            name: what errors call it; None: the path.
            whole: decode all of it, which finds every damage; False believes the header.

        Raises:
            DataError: the film is absent, damaged, cut off, or without a picture or sound; the message names it.
        """
        if isinstance(source, str | os.PathLike):
            name = os.fspath(source) if name is None else name
        else:
            source = source if isinstance(source, bytes) else source.read()
            name = "the given content" if name is None else name
        key = key_of(source)
        header = read_header(source, name)
        has_video = header.picture_seconds is not None
        if not has_video and not header.has_sound:
            raise DataError(f"`{name}` holds neither pictures nor sound")
        seconds = header.seconds
        reads_pictures = whole or seconds is None
        loudest = 0.0
        if reads_pictures or (self.normalize_sound and header.has_sound):
            read = self._read_through(source, name, key, header, pictures=reads_pictures)
            loudest = read.loudest
            seconds = read.seconds if reads_pictures else seconds
        assert seconds is not None
        gain = 1.0 / loudest if self.normalize_sound and loudest > SILENCE else 1.0
        num_frames = whole_frames(seconds, self.frame_rate)
        return Film(source, name, key, num_frames, has_video, header.has_sound, gain)

    def read(self, film: Film, first: int) -> Clip:
        """Cut a clip.

        Args:
            film: what `survey` gave.
            first: its first frame, 0 to `film.num_frames - num_frames`.

        Raises:
            DataError: the film cannot be decoded there; the message names it.
        """
        last = film.num_frames - self.num_frames
        if not 0 <= first <= last:
            raise ConfigurationError(
                f"`first` must be a frame of `{film.name}` with {self.num_frames} frames from there on, 0 to {last}, "
                f"received {first}"
            )
        kept = None if self.cache is None else self.cache.get(film.key)
        if kept is None:
            clip = self._decode(film, first)
        else:
            begin, samples = first * self.samples_per_frame, self.num_samples
            frames = kept.frames[first : first + self.num_frames]
            clip = Clip(frames, kept.waveform[begin : begin + samples])
        return replace(clip, waveform=np.clip(clip.waveform * np.float32(film.gain), -1, 1))

    def fit(self, picture: Picture) -> np.ndarray:
        """A picture at the reader's size, [3, height, width] uint8."""
        pixels = picture.pixels()
        rows, columns = pixels.shape[:2]
        top, left, tall, wide = largest_box(rows, columns, self.height, self.width)
        middle = Image.fromarray(np.ascontiguousarray(pixels[top : top + tall, left : left + wide]))
        fitted = middle.resize((self.width, self.height), Image.Resampling.BILINEAR)
        return np.ascontiguousarray(np.asarray(fitted).transpose(2, 0, 1))

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the settings as `preprocessor_config.json`."""
        settings = {
            name: value for name, value in asdict(replace(self, cache=None)).items() if name != "cache"
        }
        text = json.dumps({"processor_class": type(self).__name__, **settings}, indent=2) + "\n"
        (Path(folder) / PROCESSOR_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what `save_pretrained` wrote."""
        path = Path(folder) / PROCESSOR_FILE
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
            found = settings.pop("processor_class")
            if found != cls.__name__:
                raise CheckpointError(
                    f"`{path}` must hold the settings of {cls.__name__}, received those of {found}"
                )
            return cls(**settings)
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(
                f"`{path}` does not hold the settings of {cls.__name__}: {error!r}"
            ) from error

    def _decode(self, film: Film, first: int) -> Clip:
        """The clip from frame `first` on, its sound as loud as the film has it."""
        frames = FrameWindow(self.frame_rate, first, self.num_frames, self.fit)
        sound = SoundWindow(self.sampling_rate, first * self.samples_per_frame)
        begin, end = first / self.frame_rate, (first + self.num_frames) / self.frame_rate
        for piece in decode(film.source, film.name, begin - 1 / self.frame_rate):
            if isinstance(piece, Sound):
                sound.add(piece)
            else:
                frames.add(piece)
            is_heard = not film.has_sound or sound.seconds_known >= end + SOUND_MARGIN
            if is_heard and (frames.is_full or not film.has_video):
                break
        waveform = sound.resampled(self.num_samples)
        if not film.has_video:
            return Clip(self._black(self.num_frames), waveform)
        shown = frames.until(self.num_frames)
        if len(shown) < self.num_frames:
            raise DataError(f"`{film.name}` holds no picture that can be decoded from second {begin:.2f} on")
        return Clip(shown, waveform)

    def _black(self, count: int) -> np.ndarray:
        return np.zeros((count, 3, self.height, self.width), np.uint8)

    def _read_through(self, source: Source, name: str, key: str, header: Header, *, pictures: bool) -> _Read:
        """Decode a film to its end; keep it at the reader's size where the cache has room for all of it."""
        expected = whole_frames(header.seconds or 0.0, self.frame_rate)
        size = expected * (3 * self.height * self.width + 4 * self.samples_per_frame)
        keeps = pictures and self.cache is not None and expected > 0 and self.cache.has_room(size)
        frames = FrameWindow(self.frame_rate, 0, None, self.fit)
        sound = SoundWindow(self.sampling_rate, 0)
        read = _Read(header.picture_seconds)
        for piece in decode(source, name, pictures=pictures):
            read.add(piece)
            if keeps and isinstance(piece, Sound):
                sound.add(piece)
            elif keeps and isinstance(piece, Picture):
                frames.add(piece)
        if keeps and self.cache is not None:
            count = whole_frames(read.seconds, self.frame_rate)
            shown = frames.until(count)
            if header.picture_seconds is None:
                shown = self._black(count)
            self.cache.add(key, Clip(shown, sound.resampled(count * self.samples_per_frame)))
        return read


class _Read:
    """Length and loudness of what was decoded."""

    def __init__(self, picture_seconds: float | None) -> None:
        self._picture_seconds = picture_seconds
        self.seconds = 0.0
        self.loudest = 0.0

    def add(self, piece: Picture | Sound) -> None:
        if isinstance(piece, Picture):
            assert self._picture_seconds is not None
            self.seconds = max(self.seconds, piece.time + self._picture_seconds)
            return
        mono = one_channel_of(piece.samples, channel_axis=0, name="sound")
        self.loudest = max(self.loudest, float(np.abs(mono).max()))
        if self._picture_seconds is None:
            self.seconds = max(self.seconds, piece.time + len(mono) / piece.sampling_rate)
