"""Films from cells: where their content is, what they hold, whether they are long enough."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError
from perceivers.kinds.asked import Field
from perceivers.kinds.cells import ending, first_bytes, require_inside
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.processors.video.clips import Film, PerceiverClipReader, key_of
from perceivers.processors.video.decoding import Source, read_header

USUAL_COLUMNS = ("video", "file")
VIDEO_SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".webm",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ogv",
    ".flv",
    ".wmv",
    ".ts",
)
# What the content of such files begins with.
_BEGINNINGS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"FLV",
    b"\x30\x26\xb2\x75",  # ASF, WMV
    b"\x00\x00\x01\xba",  # MPEG
    b"\x00\x00\x01\xb3",
)
# Pictures and sound have the same beginning as films of the kind of MP4, and these brands behind it.
_OTHER_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"M4A ", b"M4B ")


@dataclass(frozen=True)
class SurveyedFilms:
    """Films of tables; each is surveyed once.

    Args:
        reader: finds out what a film holds.
        whole: see PerceiverClipReader.survey.
        known: what was found out, by `key_of`.
        pads: whether films that are shorter than a clip are films, too: of one frame at least.
    """

    reader: PerceiverClipReader
    whole: bool = True
    known: dict[str, Film] = field(default_factory=dict, compare=False, repr=False)
    pads: bool = False

    def film(self, cell: Any, table: Table | StreamTable) -> Film:
        """Look at the film of a cell: a path, the content of a file, or a mapping with `bytes` or `path` as on the hub."""
        source, name = film_source(cell, table)
        key = key_of(cast("str | bytes", source))
        film = self.known.get(key)
        if film is None:
            film = self.reader.survey(source, name, whole=self.whole)
            if not isinstance(table, StreamTable):
                # What is kept to know it again is small; its content is not kept.
                self.known[key] = film if isinstance(source, str) else replace(film, source="")
        elif not isinstance(source, str):
            film = replace(film, source=source, name=name)
        if self.pads:
            return replace(film, num_frames=max(film.num_frames, 1))
        require_a_clip(film, 0, film.num_frames, self.reader)
        return film


def film_source(value: Any, table: Table | StreamTable) -> tuple[Source, str]:
    """Path or content of a film, and what errors call it.

    Args:
        value: what a row holds for it, see FilmDecoder.
        table: the row's table, which relative paths belong to.
    """
    if isinstance(value, Mapping):
        content, path = value.get("bytes"), value.get("path")
        if content is not None:
            return bytes(content), str(path or "the film")
        value = path
    if isinstance(value, bytes):
        return value, "the film"
    if not isinstance(value, str) or not value:
        raise DataError(f"a film must be a path or the content of a file, received {value!r}")
    require_inside(value, table, VIDEO_SUFFIXES)
    path = str(value if table.root is None else table.root / value)
    return path, path


def clip_reader(
    chosen: Any, cache: ClipCache | None, *, normalize_sound: bool = False
) -> PerceiverClipReader:
    """What cuts clips out of films.

    Args:
        chosen: options with the size of a clip: `num_frames`, `frame_rate`, `height`, `width`, `audio_samples_per_frame`.
        cache: keeps what was decoded; None keeps nothing.
        normalize_sound: see PerceiverClipReader.
    """
    return PerceiverClipReader(
        num_frames=chosen.num_frames,
        frame_rate=chosen.frame_rate,
        height=chosen.height,
        width=chosen.width,
        samples_per_frame=chosen.audio_samples_per_frame,
        normalize_sound=normalize_sound,
        cache=cache,
    )


def cache_of(megabytes: int) -> ClipCache | None:
    """Room for films; None where there is none."""
    return ClipCache(megabytes * 2**20) if megabytes else None


def reader_of(folder: Path, cache_megabytes: int) -> PerceiverClipReader:
    """What cuts clips as a run does whose folder, or export, is given."""
    return replace(PerceiverClipReader.from_pretrained(folder), cache=cache_of(cache_megabytes))


def sounding_film(reader: PerceiverClipReader, path: str) -> Film:
    """A film that has pictures, sound, and a clip at least, or DataError.

    Args:
        reader: finds out what it holds.
        path: the film.
    """
    film = reader.survey(path)
    require_pictures_and_sound(film)
    require_a_clip(film, 0, film.num_frames, reader)
    return film


def require_pictures_and_sound(film: Film) -> None:
    """Raise DataError for a film that lacks one of them."""
    for there, what in ((film.has_video, "pictures"), (film.has_sound, "sound")):
        if not there:
            raise DataError(f"`{film.name}` must have {what}, received a film without {what}")


def require_a_clip(film: Film, begin: int, end: int, reader: PerceiverClipReader) -> None:
    """Raise DataError for a part of a film that is shorter than a clip."""
    if end - begin < reader.num_frames:
        whole = (begin, end) == (0, film.num_frames)
        part = "" if whole else f" from second {begin / reader.frame_rate:.2f} on"
        raise DataError(
            f"`{film.name}` must last {reader.num_frames} frames ({reader.seconds:.2f} s at {reader.frame_rate:g} Hz) or "
            f"longer{part}, received {max(end - begin, 0)} frames ({max(end - begin, 0) / reader.frame_rate:.2f} s)"
        )


def looks_like_film(cell: Any) -> bool:
    """Whether a cell is the path or the content of a film."""
    content = first_bytes(cell)
    if content[4:8] == b"ftyp":
        return content[8:12] not in _OTHER_BRANDS
    if content[:4] == b"RIFF":
        return content[8:11] == b"AVI"
    return content.startswith(_BEGINNINGS) if content else ending(cell) in VIDEO_SUFFIXES


def film_field(column: str, kind: str, *, needed: bool = False) -> Field:
    """A column of films as somebody fills it in."""
    return Field(column, kind, "file", "a film", ("video/*", *VIDEO_SUFFIXES), "film", needed=needed)


def seconds_said(content: bytes) -> float | None:
    """How long a film is, as its header says; None where it does not, and of what is no film."""
    try:
        return read_header(content, "the film").seconds
    except DataError:
        # It is reported when it is read.
        return None


def content_of(source: Any) -> bytes:
    """What a film's file holds: a path, the content itself, or what fetches it."""
    if isinstance(source, bytes):
        return source
    return Path(source).read_bytes() if isinstance(source, str | os.PathLike) else bytes(source.read())
