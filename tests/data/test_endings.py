"""What files are by their endings and first bytes."""

from __future__ import annotations

import io
from pathlib import Path, PurePath

import numpy as np
import pytest
from PIL import Image

from perceivers.data.endings import ending_of, format_by_content, of_one_kind, written_twice

POINTS = (".off", ".ply", ".obj", ".xyz", ".txt", ".npy", ".png")


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


@pytest.mark.parametrize(
    ("formats", "kept"),
    [
        ({".ply", ".png"}, {".ply"}),
        ({".xyz", ".txt", ".npy"}, {".xyz"}),
        ({".txt", ".png"}, {".txt"}),
        ({".png"}, {".png"}),
        ({".ply", ".odd"}, {".ply", ".odd"}),
    ],
)
def test_previews_and_notes_beside_points_are_no_samples(formats: set[str], kept: set[str]) -> None:
    assert of_one_kind(formats, POINTS) == kept


def test_pictures_of_any_format_are_one_kind() -> None:
    assert of_one_kind({".png", ".jpg", ".webp"}, (".png", ".jpg", ".webp")) == {".png", ".jpg", ".webp"}


def test_points_that_were_written_in_two_formats_are_known_by_their_names() -> None:
    names = [(PurePath(f"cat/{index}{form}"), form) for index in range(3) for form in (".obj", ".xyz")]
    assert written_twice(names, POINTS) == {".xyz"}
    numbered_anew = [(PurePath(f"cat/{index}.obj"), ".obj") for index in range(5)]
    assert (
        written_twice([*numbered_anew, *((PurePath(f"dog/{n}.xyz"), ".xyz") for n in range(5))], POINTS)
        == set()
    )
    pictures = [(PurePath(f"cat/{index}{form}"), form) for index in range(3) for form in (".png", ".jpg")]
    assert written_twice(pictures, (".png", ".jpg")) == set()
