"""Films as samples: which stretches of which films, divided by films or by time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perceivers.arguments.data import DataArguments
from perceivers.data.rows import RowSamples, StreamSamples, load_splits
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError
from perceivers.kinds.video.reading import (
    USUAL_COLUMNS,
    SurveyedFilms,
    require_a_clip,
    require_pictures_and_sound,
)
from perceivers.processors.video.clips import Film, PerceiverClipReader


@dataclass(frozen=True)
class Stretch:
    """A part of a film, and the clip that is cut from it.

    Args:
        film: the whole film.
        begin: first frame of the part.
        end: frame after its last one.
        start: first frame of the clip.
        label: what the row says of the film; None without labels.
    """

    film: Film
    begin: int
    end: int
    start: int
    label: Any = None

    def vary(self, clip_frames: int, generator: np.random.Generator) -> Stretch:
        """The same with one clip that begins anywhere in the part."""
        return replace(self, start=int(generator.integers(self.begin, self.end - clip_frames, endpoint=True)))


def side_by_side(begin: int, end: int, clip_frames: int) -> list[int]:
    """First frames of as many clips as fit one after the other."""
    return list(range(begin, end - clip_frames + 1, clip_frames))


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


def film_column(columns: Sequence[str], chosen: str | None) -> str:
    """The column that holds films: the chosen one, else the first of the usual ones that there is."""
    if chosen is not None:
        return chosen
    return next((name for name in USUAL_COLUMNS if name in columns), USUAL_COLUMNS[-1])


@dataclass(frozen=True)
class FilmDecoder:
    """From a row to the whole film as one stretch.

    Args:
        films: finds out what they hold.
        column: holds a path, the content of a file, or a mapping with `bytes` or `path` as data sets on the hub have.
        label_of: from a row to its label; None without labels.
    """

    films: SurveyedFilms
    column: str
    label_of: Callable[[Mapping[str, Any]], Any] | None = None

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> Stretch:
        """Look at the film of one row; it must have pictures and sound."""
        film = self.films.film(row[self.column], table)
        require_pictures_and_sound(film)
        label = None if self.label_of is None else self.label_of(row)
        return Stretch(film, 0, film.num_frames, 0, label)


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
        return f"{stretch.film.name}, from second {stretch.start / self.frame_rate:.2f}"


def load_films(
    arguments: DataArguments,
    tables: Mapping[str, Table | StreamTable],
    decode: FilmDecoder,
    *,
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
    cut = _Cutter(decode)
    if by_time:
        divided: list[Any] = [splits.train, splits.validation, splits.test]
        rows = sorted(index for samples in divided for index in samples.indices)
        films = cut.films(RowSamples(divided[0].table, rows, decode))
        parts = {
            name: cut(_parts_in_time(films, name, arguments, decode.films.reader))
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
        reader = self.decode.films.reader
        samples = [
            replace(stretch, start=start)
            for stretch in stretches
            for start in side_by_side(stretch.begin, stretch.end, reader.num_frames)
        ]
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
