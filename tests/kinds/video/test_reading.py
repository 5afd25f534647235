"""Films from cells: paths and content, what they are known by, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.video.reading import SurveyedFilms, film_source, looks_like_film
from perceivers.processors.video.clips import PerceiverClipReader
from tiny_films import grey_frames, tone, write_film

READER = PerceiverClipReader(num_frames=3, frame_rate=10.0, height=6, width=10, samples_per_frame=40)
TABLE = ListTable([{"file": "x"}], "films.csv", root=Path("far"))


def test_paths_belong_to_their_table_and_content_is_called_by_its_path():
    assert film_source("a.mp4", TABLE) == ("far/a.mp4", "far/a.mp4")
    assert film_source({"path": "a.mp4", "bytes": None}, TABLE) == ("far/a.mp4", "far/a.mp4")
    assert film_source({"path": "a.mp4", "bytes": b"x"}, TABLE) == (b"x", "a.mp4")
    assert film_source(b"x", TABLE) == (b"x", "the film")


@pytest.mark.parametrize("value", [None, "", 7, {"path": None, "bytes": None}])
def test_what_is_no_film_is_named(value: Any):
    with pytest.raises(DataError, match="a film must be a path or the content of a file, received"):
        film_source(value, TABLE)


def test_a_film_is_surveyed_once_and_its_content_is_not_kept(tmp_path, monkeypatch):
    content = write_film(tmp_path / "a.mkv", frames=grey_frames(5), waveform=tone(4000, 100)).read_bytes()
    surveys = []
    survey = PerceiverClipReader.survey

    def counted(self, source, name=None, *, whole=True):
        surveys.append(whole)
        return survey(self, source, name, whole=whole)

    monkeypatch.setattr(PerceiverClipReader, "survey", counted)
    films = SurveyedFilms(READER, whole=False)
    first, second = (films.film({"bytes": content, "path": name}, TABLE) for name in ("a.mkv", "b.mkv"))
    assert surveys == [False]
    assert (first.num_frames, second.name, second.source) == (5, "b.mkv", content)
    assert [film.source for film in films.known.values()] == [""]


def test_a_film_that_is_too_short_is_named(tmp_path):
    path = write_film(tmp_path / "short.mkv", frames=grey_frames(2), waveform=tone(1600, 100))
    with pytest.raises(
        DataError,
        match=r"short\.mkv` must last 3 frames \(0\.30 s at 10 Hz\) or longer, received 2 frames \(0\.20 s\)",
    ):
        SurveyedFilms(READER).film(str(path), ListTable([{"file": "x"}], "films.csv"))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_films_are_known_by_their_ending_and_by_their_content(tmp_path, suffix):
    path = write_film(tmp_path / f"a{suffix}", frames=grey_frames(3, 16, 16))
    content = path.read_bytes()
    for cell in (
        str(path),
        f"A{suffix.upper()}",
        content,
        {"bytes": content},
        {"path": str(path)},
    ):
        assert looks_like_film(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "a.wav",
        "mp4",
        b"\x00\x00\x00\x18ftypheic",
        b"\x00\x00\x00\x18ftypM4A ",
        b"RIFF1234WAVEfmt ",
        b"",
        7,
        {"path": "a.png"},
    ],
)
def test_other_cells_are_no_films(cell: Any):
    assert not looks_like_film(cell)
