"""What files are by their endings and first bytes."""

from __future__ import annotations

import io
from pathlib import Path, PurePath

import numpy as np
import pytest
from PIL import Image

from perceivers.data.endings import beside_the_samples, ending_of, format_by_content

SUFFIXES = (".off", ".ply", ".obj", ".xyz", ".txt", ".json", ".npy", ".odd", ".png", ".jpg")


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.PNG", ".png"),
        ("a.tar.gz", ".gz"),
        ("scan.0012", ""),
        ("000123", ""),
        ("v1.2 final", ""),
        ("a.7z", ".7z"),
    ],
)
def test_an_ending_is_short_and_has_a_letter(name: str, ending: str) -> None:
    assert ending_of(name) == ending


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_pictures_without_an_ending_are_known(tmp_path: Path, form: str) -> None:
    content = io.BytesIO()
    Image.new("RGB", (3, 5)).save(content, format=form)
    path = tmp_path / "000123"
    path.write_bytes(content.getvalue())
    assert format_by_content(path) == {"JPEG": ".jpg", "TIFF": ".tif"}.get(form, f".{form.lower()}")


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (b"RIFF\x24\0\0\0WAVEfmt ", ".wav"),
        (b"RIFF\x24\0\0\0AVI LIST", ".avi"),
        (b"\0\0\0\x20ftypisom", ".mp4"),
        (b"ply\nformat ascii", ".ply"),
        (b"hello", ""),
        (b"", ""),
    ],
)
def test_other_files_without_an_ending_are_known(tmp_path: Path, content: bytes, ending: str) -> None:
    (tmp_path / "x").write_bytes(content)
    assert format_by_content(tmp_path / "x") == ending


def test_arrays_are_known_and_what_cannot_be_opened_is_not(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    assert format_by_content(tmp_path / "x.npy") == ".npy"
    assert format_by_content(tmp_path / "absent") == ""


def beside(*names: str, suffixes: tuple[str, ...] = SUFFIXES) -> set[str]:
    return beside_the_samples([(PurePath(name), PurePath(name).suffix) for name in names], suffixes)


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        (["a/1.ply", "a/texture.png"], {".png"}),
        (["a/1.ply", "a/1.txt", "a/2.ply", "a/2.txt"], {".txt"}),
        (["a/1.obj", "a/1.xyz", "a/2.obj", "a/2.xyz"], {".xyz"}),
        (["a/1.off", "a/2.off", "a/readme.txt", "b/3.off", "b/readme.txt"], {".txt"}),
        (["a/1.off", "a/2.npy", "a/3.txt", "a/4.txt"], set()),
        (["a/1.txt", "a/2.json"], set()),
        (["a/1.png", "a/1.jpg"], set()),
        (["a/1.png", "a/1.odd"], set()),
    ],
)
def test_previews_copies_and_notes_beside_points_are_no_samples(names: list[str], left_out: set[str]) -> None:
    assert beside(*names) == left_out


def test_pictures_of_any_format_are_samples_of_their_own() -> None:
    names = [f"a/{index}{form}" for index in range(3) for form in (".png", ".jpg")]
    assert beside(*names, suffixes=(".png", ".jpg")) == set()


def test_series_may_be_arrays_and_tables() -> None:
    assert beside("a/1.npy", "a/3.npy", "a/2.csv", "b/3.csv", suffixes=(".csv", ".npy")) == set()
