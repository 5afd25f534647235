"""Films as samples: which stretches of which films, divided by films or by time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from perceivers.arguments.data import DataArguments
from perceivers.data.rows import RowSamples, StreamSamples, load_splits
from perceivers.data.splits import Splits
from perceivers.data.tables import FILE_COLUMN, StreamTable, Table
from perceivers.errors import DataError
from perceivers.processors.video.clips import Film, PerceiverClipReader
from perceivers.processors.video.decoding import Source

VIDEO_COLUMN = "video"
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


@dataclass(frozen=True)
class Stretch:
    """A part of a film, and the clips that are cut from it.

    Args:
        film: the whole film.
        begin: first frame of the part.
        end: frame after its last one.
        starts: first frame of each clip.
        label: what the row says of the film; None without labels.
        loudness: factor of its sound.
    """

    film: Film
    begin: int
    end: int
    starts: tuple[int, ...]
    label: Any = None
    loudness: float = 1.0

    def vary(self, clip_frames: int, generator: np.random.Generator) -> Stretch:
        """The same with one clip that begins anywhere in the part."""
        start = int(generator.integers(self.begin, self.end - clip_frames, endpoint=True))
        return replace(self, starts=(start,))


# From a part's first frame, the frame after its last one, and the length of a clip to where clips begin.
Starts = Callable[[int, int, int], Sequence[int]]


def side_by_side(begin: int, end: int, clip_frames: int) -> list[int]:
    """First frames of as many clips as fit one after the other."""
    return list(range(begin, end - clip_frames + 1, clip_frames))


def evenly_spread(count: int) -> Starts:
    """First frames of `count` clips, the first at the beginning and the last at the end; they may overlap."""

    def starts(begin: int, end: int, clip_frames: int) -> list[int]:
        last = end - clip_frames
        if count == 1:
            return [(begin + last) // 2]
        return [round(begin + (last - begin) * index / (count - 1)) for index in range(count)]

    return starts


@dataclass(frozen=True)
class StoredFilm:
    """The content of a film in a table, read again when it is needed, so that it need not stay in memory.

    Args:
        table: holds it.
        index: its row.
        column: its column.
    """

    table: Table
    index: int
    column: str

    def read(self) -> bytes:
        """Read it."""
        value = self.table[self.index][self.column]
        return bytes(value["bytes"] if isinstance(value, Mapping) else value)


@dataclass(frozen=True)
class FilmDecoder:
    """From a row to the whole film as one stretch; each film is surveyed once.

    Args:
        reader: finds out what the film holds.
        column: holds a path, the content of a file, or a mapping with `bytes` or `path` as data sets on the hub have.
        label_of: from a row to its label; None without labels.
        needs_video: whether a film without pictures is an error.
        needs_sound: whether a film without sound is an error.
        whole: see PerceiverClipReader.survey.
    """

    reader: PerceiverClipReader
    column: str
    label_of: Callable[[Mapping[str, Any]], Any] | None = None
    needs_video: bool = True
    needs_sound: bool = True
    whole: bool = True
    _known: dict[str, Film] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> Stretch:
        """Look at the film of one row."""
        source, name = film_source(row[self.column], table)
        key = source if isinstance(source, str) else hashlib.sha256(cast("bytes", source)).hexdigest()
        film = self._known.get(key)
        if film is None:
            film = self.reader.survey(source, name, whole=self.whole)
            if isinstance(table, Table):
                # What is kept to know it again is small; its content is not kept.
                self._known[key] = film if isinstance(source, str) else replace(film, source="")
        elif not isinstance(source, str):
            film = replace(film, source=source, name=name)
        for needed, there, what in (
            (self.needs_video, film.has_video, "pictures"),
            (self.needs_sound, film.has_sound, "sound"),
        ):
            if needed and not there:
                raise DataError(f"`{name}` must have {what}, received a film without {what}")
        require_a_clip(film, 0, film.num_frames, self.reader)
        label = None if self.label_of is None else self.label_of(row)
        return Stretch(film, 0, film.num_frames, (0,), label)


def film_column(columns: Sequence[str], chosen: str | None) -> str:
    """The column that holds films: the chosen one, else `video`, else `file`."""
    if chosen is not None:
        return chosen
    return next((name for name in (VIDEO_COLUMN, FILE_COLUMN) if name in columns), FILE_COLUMN)


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
    path = str(value if table.root is None else table.root / value)
    return path, path


def require_a_clip(film: Film, begin: int, end: int, reader: PerceiverClipReader) -> None:
    """Raise DataError for a part of a film that is shorter than a clip."""
    if end - begin < reader.num_frames:
        whole = (begin, end) == (0, film.num_frames)
        part = "" if whole else f" from second {begin / reader.frame_rate:.2f} on"
        raise DataError(
            f"`{film.name}` must last {reader.num_frames} frames ({reader.seconds:.2f} s at {reader.frame_rate:g} Hz) or "
            f"longer{part}, received {max(end - begin, 0)} frames ({max(end - begin, 0) / reader.frame_rate:.2f} s)"
        )


@dataclass(frozen=True)
class FilmSamples:
    """Stretches of films as samples.

    Args:
        stretches: the samples.
        frame_rate: of the clips, in Hz.
    """

    stretches: Sequence[Stretch]
    frame_rate: float

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.stretches)

    def __getitem__(self, index: int) -> Stretch:
        """Give the stretch at `index`."""
        return self.stretches[index]

    def name(self, index: int) -> str:
        """The film, and the second that the sample begins at."""
        stretch = self.stretches[index]
        return f"{stretch.film.name}, from second {stretch.starts[0] / self.frame_rate:.2f}"


def load_films(
    arguments: DataArguments,
    tables: Mapping[str, Table | StreamTable],
    decode: FilmDecoder,
    *,
    starts: Starts = side_by_side,
    one_sample_a_clip: bool = True,
    by_time: bool = False,
    needs_test: bool = True,
    labels: str | None = None,
    class_names: Sequence[str] = (),
) -> Splits:
    """Divide films into the three parts, and parts into clips.

    Args:
        arguments: fractions, seed, what is done about films that cannot be read.
        tables: what `open_tables` gave.
        decode: looks at a film.
        starts: where the clips of a part begin.
        one_sample_a_clip: a sample is a clip, not all clips of a film.
        by_time: every film gives its last part to the test and what lies before that to the validation, instead of whole
            films going to one part or the other.
        needs_test: whether an empty test part is an error.
        labels: column whose values each part has the same share of, where whole films are divided.
        class_names: handed on.

    Raises:
        DataError: see `load_splits`; or a film is too short for its parts.
    """
    if by_time and set(tables) != {"train"}:
        raise DataError(
            "`split_by` 'time' divides every film, so `data` must have one part, received "
            f"{', '.join(sorted(tables))}: take `split_by` 'films'"
        )
    if by_time and arguments.streaming:
        raise DataError("`split_by` 'time' needs films that can be read again, received `streaming`")
    splits = load_splits(arguments, tables, decode, labels=labels, class_names=class_names)
    cut = _Cutter(decode, starts, one_sample_a_clip)
    if by_time:
        divided: list[Any] = [splits.train, splits.validation, splits.test]
        rows = sorted(index for samples in divided for index in samples.indices)
        films = cut.films(RowSamples(divided[0].table, rows, decode))
        parts = {
            name: cut(_parts_in_time(films, name, arguments, decode.reader))
            for name in ("train", "validation", "test")
        }
    else:
        parts = {name: cut(cut.films(splits.part(name))) for name in ("train", "validation", "test")}
        if needs_test and not len(parts["test"]):
            raise DataError(
                "`data` must hold films for training and for the test, received one film: give more, give `test_data`, or "
                "divide it by `split_by` 'time'"
            )
    return replace(splits, **parts)


@dataclass(frozen=True)
class _Cutter:
    decode: FilmDecoder
    starts: Starts
    one_sample_a_clip: bool

    def films(self, samples: Any) -> Any:
        """The whole films of rows, their content left where it is; a stream as it is."""
        if isinstance(samples, StreamSamples):
            return samples
        found = []
        for index, row in enumerate(getattr(samples, "indices", ())):
            film: Stretch = samples[index]
            if isinstance(film.film.source, bytes):
                stored = StoredFilm(samples.table, row, self.decode.column)
                film = replace(film, film=replace(film.film, source=stored))
            found.append(film)
        return found

    def __call__(self, stretches: Any) -> Any:
        """The samples of a part's stretches."""
        if isinstance(stretches, StreamSamples):
            return stretches
        reader = self.decode.reader
        samples: list[Stretch] = []
        for stretch in stretches:
            starts = tuple(self.starts(stretch.begin, stretch.end, reader.num_frames))
            samples.extend(
                (replace(stretch, starts=(start,)) for start in starts)
                if self.one_sample_a_clip
                else [replace(stretch, starts=starts)]
            )
        return FilmSamples(samples, reader.frame_rate)


def _parts_in_time(
    films: Sequence[Stretch], part: str, arguments: DataArguments, reader: PerceiverClipReader
) -> list[Stretch]:
    """The frames of each film that belong to a part; none where the validation has no share."""
    found = []
    for stretch in films:
        count = stretch.film.num_frames
        tested = round(count * (1.0 - arguments.test_fraction))
        watched = round(tested * (1.0 - arguments.validation_fraction))
        begin, end = {"train": (0, watched), "validation": (watched, tested), "test": (tested, count)}[part]
        if part == "validation" and not arguments.validation_fraction:
            continue
        require_a_clip(stretch.film, begin, end, reader)
        found.append(replace(stretch, begin=begin, end=end))
    return found
