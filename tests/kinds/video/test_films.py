"""Films divided into parts and clips: by films and by time, from folders, tables and content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perceivers.arguments import DataArguments
from perceivers.data.opening import open_tables
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.video.films import (
    FilmDecoder,
    StoredFilm,
    film_column,
    load_films,
    side_by_side,
)
from perceivers.kinds.video.reading import VIDEO_SUFFIXES, SurveyedFilms
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.processors.video.clips import PerceiverClipReader
from tiny_films import grey_frames, tone, write_film

READER = PerceiverClipReader(num_frames=3, frame_rate=10.0, height=6, width=10, samples_per_frame=40)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five films of 20 to 24 frames."""
    folder = tmp_path_factory.mktemp("films")
    for index in range(5):
        count = 20 + index
        write_film(folder / f"{index}.mkv", frames=grey_frames(count), waveform=tone(800 * count, 100))
    return folder


def decoder(reader: PerceiverClipReader = READER) -> FilmDecoder:
    return FilmDecoder(SurveyedFilms(reader), "file")


def load(data: str | Path, *, decode: FilmDecoder | None = None, unreadable: str = "stop", **options):
    arguments = DataArguments(
        data=str(data), test_fraction=0.4, validation_fraction=0.25, unreadable=unreadable
    )
    tables = open_tables(arguments, VIDEO_SUFFIXES, labelled=False)
    return load_films(arguments, tables, decode or decoder(), **options)


def test_clips_lie_side_by_side():
    assert side_by_side(5, 15, 3) == [5, 8, 11]
    assert side_by_side(5, 8, 3) == [5]


def test_whole_films_are_held_out(films):
    splits = load(films)
    names = {
        part: {splits.part(part)[index].film.name for index in range(len(splits.part(part)))}
        for part in ("train", "validation", "test")
    }
    assert [len(names[part]) for part in ("train", "validation", "test")] == [2, 1, 2]
    assert len(set.union(*names.values())) == 5
    # 20 frames have six clips of three, 21 to 23 have seven, 24 eight.
    assert sum(len(splits.part(part)) for part in names) == 6 + 7 + 7 + 7 + 8


def test_by_time_every_film_is_in_every_part_and_no_frame_in_two(films):
    splits = load(films, by_time=True)
    bounds = {}
    for part in ("train", "validation", "test"):
        samples = splits.part(part)
        found = {samples[index].film.name: samples[index] for index in range(len(samples))}
        assert len(found) == 5
        bounds[part] = {name: (stretch.begin, stretch.end) for name, stretch in found.items()}
    first = str(films / "0.mkv")
    # 60 % of 20 frames are before the test, and three quarters of those before the validation.
    assert [bounds[part][first] for part in ("train", "validation", "test")] == [(0, 9), (9, 12), (12, 20)]
    for sample in (splits.test[index] for index in range(len(splits.test))):
        assert sample.begin <= sample.start <= sample.end - 3


def test_a_varied_clip_begins_anywhere_in_its_part(films):
    stretch = load(films, by_time=True).train[0]
    generator = np.random.default_rng(0)
    assert {stretch.vary(3, generator).start for _ in range(100)} == set(range(7))


def test_a_sample_is_called_by_its_film_and_second(films):
    train = load(films).train
    assert train.name(1) == f"{train[1].film.name}, from second 0.30"


def test_the_validation_may_be_empty(films):
    arguments = DataArguments(data=str(films), validation_fraction=0.0)
    tables = open_tables(arguments, VIDEO_SUFFIXES, labelled=False)
    for by_time in (False, True):
        splits = load_films(arguments, tables, decoder(), by_time=by_time)
        assert len(splits.validation) == 0
        assert len(splits.train) > 0


def test_content_stays_in_its_table(films):
    class Counted(ListTable):
        reads = 0

        def __getitem__(self, index):
            Counted.reads += 1
            return super().__getitem__(index)

    rows = [{"video": {"bytes": (films / f"{i}.mkv").read_bytes(), "path": f"{i}.mkv"}} for i in range(3)]
    table = Counted(rows, "a table")
    reader = PerceiverClipReader(3, 10.0, 6, 10, 40, cache=ClipCache(10**6))
    decode = FilmDecoder(SurveyedFilms(reader), "video")
    splits = load_films(DataArguments(data="x"), {"train": table}, decode)
    stretch = splits.train[0]
    assert isinstance(stretch.film.source, StoredFilm)
    assert stretch.film.name in ("0.mkv", "1.mkv", "2.mkv")
    before = Counted.reads
    kept = reader.read(stretch.film, 4)
    assert Counted.reads == before
    bare = PerceiverClipReader(3, 10.0, 6, 10, 40)
    assert (bare.read(stretch.film, 4).frames == kept.frames).all()
    assert Counted.reads == before + 1


def test_the_column_of_films_is_found():
    assert film_column(("file", "video"), None) == "video"
    assert film_column(("file", "label"), None) == "file"
    assert film_column(("file", "clip"), "clip") == "clip"


def test_a_film_that_is_too_short_is_named(tmp_path, films):
    write_film(tmp_path / "short.mkv", frames=grey_frames(2), waveform=tone(1600, 100))
    with pytest.raises(
        DataError,
        match=r"short\.mkv` must last 3 frames \(0\.30 s at 10 Hz\) or longer, received 2 frames \(0\.20 s\)",
    ):
        load(tmp_path)
    reader = PerceiverClipReader(5, 10.0, 6, 10, 40)
    with pytest.raises(
        DataError, match=r"0\.mkv` must last 5 frames .* longer from second 0\.90 on, received 3 frames"
    ):
        load(films, decode=decoder(reader), by_time=True)


@pytest.mark.parametrize(("missing", "what"), [("waveform", "sound"), ("frames", "pictures")])
def test_a_film_without_sound_or_pictures_is_named_and_may_be_left_out(tmp_path, missing, what):
    content = {"frames": grey_frames(6), "waveform": tone(4800, 100)}
    for index in range(3):
        write_film(tmp_path / f"{index}.mkv", **content)
    write_film(tmp_path / "odd.mkv", **{**content, missing: None})
    message = rf"odd\.mkv` must have {what}, received a film without {what}"
    with pytest.raises(DataError, match=message + r"; mend it"):
        load(tmp_path)
    splits = load(tmp_path, unreadable="skip")
    assert len(splits.unreadable) == 1
    assert sum(len(splits.part(part)) for part in ("train", "validation", "test")) == 6


def test_one_film_needs_a_division_by_time(tmp_path):
    write_film(tmp_path / "only.mkv", frames=grey_frames(20), waveform=tone(16_000, 100))
    with pytest.raises(
        DataError, match="received one film: give more, give `test_data`, or divide it by `split_by` 'time'"
    ):
        load(tmp_path)
    assert len(load(tmp_path, by_time=True).test) == 2
    assert len(load(tmp_path, needs_test=False).train) == 6


def test_parts_that_are_there_are_not_divided_by_time(films):
    tables = open_tables(DataArguments(data=str(films)), VIDEO_SUFFIXES, labelled=False)
    tables["test"] = tables["train"]
    with pytest.raises(
        DataError, match="`data` must have one part, received test, train: take `split_by` 'films'"
    ):
        load_films(DataArguments(data="x"), tables, decoder(), by_time=True)


@pytest.mark.parametrize("value", [None, "", 7])
def test_a_row_without_a_film_is_named(value):
    table = ListTable([{"file": value}, {"file": value}], "films.csv")
    with pytest.raises(
        DataError, match=r"films\.csv, row 1`: a film must be a path or the content of a file, received"
    ):
        load_films(DataArguments(data="x"), {"train": table}, decoder())
