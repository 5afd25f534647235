"""What people send is a content and never a path, is known by its size before it is decoded, and can be shown again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import DataError
from perceivers.kinds.asked import Field, Sent
from perceivers.kinds.base import Kind
from perceivers.kinds.registry import KINDS, kind_class
from perceivers.kinds.sound.drawing import wave_file


def kind(name: str, **state: Any) -> Any:
    found = kind_class(name)
    made = found(found.options_class())
    return made.with_state(state) if state else made


def png(height: int = 3, width: int = 5) -> bytes:
    content = io.BytesIO()
    Image.new("L", (width, height), 200).save(content, "png")
    return content.getvalue()


@pytest.mark.parametrize("name", [name for name in KINDS if kind_class(name).suffixes and name != "text"])
def test_the_name_of_a_file_is_no_content(name: str, tmp_path: Path) -> None:
    for cell in ("/etc/passwd", Path("x.png"), {"path": "x.png"}, "[x.png"):
        with pytest.raises(DataError):
            kind(name).content(cell, tmp_path)
    with pytest.raises(DataError, match="must be the content of a file, not its name, received the text 'a"):
        kind(name).content("a.png", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_names_a_file_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("secret")
    name = str(tmp_path / "note.txt")
    text = kind("text")
    assert text.read({"note": text.content(name, tmp_path)}, ("note",), None).texts == (name.encode(),)
    sent = text.content(Sent("note.txt", b"secret"), tmp_path)
    assert text.read({"note": sent}, ("note",), None).texts == (b"secret",)
    with pytest.raises(
        DataError, match="the text cannot be written as UTF-8: half of a surrogate pair at character 1"
    ):
        text.content("a\ud800", tmp_path)


def test_series_and_points_are_read_by_the_ending_and_the_content_and_the_rest_of_the_name_counts_for_nothing(
    tmp_path: Path,
) -> None:
    series, points = kind("series"), kind("points")
    content = b"a,b\n1,2\n3,4\n5,6\n"
    path = Path(series.content(Sent("../../etc/x.CSV", content), tmp_path))
    assert (path.parent, path.suffix, path.read_bytes()) == (tmp_path, ".csv", content)
    with pytest.raises(DataError, match=r"must be a file that ends in one of .*, received 'x\.exe'"):
        series.content(Sent("x.exe", content), tmp_path)
    assert Path(points.content(Sent("a.xyz", b"1 2 3\n"), tmp_path)).suffix == ".xyz"
    assert points.content(Sent("a.xyz", png()), tmp_path) == png()
    assert points.content("[[1, 2], [3, 4]]", tmp_path).tolist() == [[1, 2], [3, 4]]


def test_sizes_are_known_before_anything_is_decoded() -> None:
    assert kind("image").extent(png(), 1.0).pixels == kind("points").extent(png(), 1.0).pixels == 15
    sound = wave_file(np.zeros(4000, np.float32), 8000)
    assert kind("sound").extent(sound, 9.0).seconds == 0.5
    # It is not counted further than anybody wants to know.
    long = wave_file(np.zeros(3 << 18, np.float32), 8000)
    assert 1.0 < kind("sound").extent(long, 1.0).seconds < 60.0
    for name in ("image", "sound", "video"):
        assert vars(kind(name).extent(b"nothing", 1.0)) == {"pixels": None, "seconds": None}


def test_a_value_that_was_read_can_be_shown_by_a_browser(tmp_path: Path) -> None:
    image, sound = kind("image"), kind("sound", mean=0.0, std=1.0)
    picture = image.media(image.read({"a": png()}, ("a",), _Table()))
    with Image.open(io.BytesIO(picture.content)) as opened:
        assert (picture.type, opened.size) == ("image/png", (5, 3))
    heard = sound.media(sound.read({"a": wave_file(np.zeros(800, np.float32), 8000)}, ("a",), _Table()))
    assert (heard.type, heard.content[:4]) == ("audio/wav", b"RIFF")
    series = kind("series", num_channels=1, longest=3, mean=[0.0], std=[1.0])
    lines = series.media(np.array([[0.0], [1.0], [np.nan]], np.float32))
    assert (lines.type, lines.content.count(b"<polyline")) == ("image/svg+xml", 1)
    points = kind("points", num_coordinates=2, num_features=1)
    assert points.media(points.read({"a": png()}, ("a",), _Table())).content[:4] == b"\x89PNG"
    assert Kind.media(image, None) is None


def test_fields_say_what_a_column_takes() -> None:
    assert kind("date", quantiles=[[0.0] * 6] * 2, edges=[]).fields(("born",))[0].form == "date"
    numbers = kind("number", quantiles=[[1.0, -3.0], [5.0, 7.0]], edges=[])
    assert numbers.fields(("a", "b")) == (
        Field("a", "number", "number", low=1.0, high=5.0), Field("b", "number", "number", low=-3.0, high=7.0)
    )  # fmt: skip
    names = kind("category", vocabularies=[["x", "y"]])
    assert names.fields(("c",))[0].choices == ("x", "y")
    with pytest.raises(DataError, match="must be one name, received list"):
        names.content(["x"], Path())


class _Table:
    root = None
    decimal = "point"
