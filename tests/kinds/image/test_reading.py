"""Pictures from what rows hold: paths, bytes, pixels; and what is said about those that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import DataError
from perceivers.kinds.image.reading import decode_image, is_picture_file, looks_like_picture, read_image


def png(shade: int = 7, size: tuple[int, int] = (5, 3)) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, shade).save(file, "png")
    return file.getvalue()


def test_a_path_is_relative_to_the_tables_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(31))
    assert decode_image("a.png", tmp_path).getpixel((4, 2)) == 31
    assert decode_image(str(tmp_path / "a.png")).size == (5, 3)
    # An absolute path stays itself below another root.
    assert decode_image(str(tmp_path / "a.png"), tmp_path / "elsewhere").size == (5, 3)


@pytest.mark.parametrize(
    "value",
    [
        png(31),
        {"bytes": png(31), "path": None},
        {"bytes": png(31), "path": "name-of-an-archive-member.png"},
        np.full((3, 5), 31, np.uint8),
    ],
)
def test_bytes_mappings_and_pixels_are_pictures(value: Any) -> None:
    image = decode_image(value)
    assert (image.size, image.mode, image.getpixel((4, 2))) == ((5, 3), "L", 31)


def test_a_mapping_without_bytes_is_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(31))
    assert decode_image({"bytes": None, "path": "a.png"}, tmp_path).size == (5, 3)


@pytest.mark.parametrize("value", [None, "", 3.5, {"bytes": None, "path": None}, {}])
def test_what_is_no_picture_is_named(value: Any) -> None:
    with pytest.raises(
        DataError, match=r"a picture must be a path, bytes or pixels, received (None|''|3\.5)"
    ):
        decode_image(value)


def test_damaged_bytes_and_files_are_errors(tmp_path: Path) -> None:
    whole = png(size=(50, 50))
    with pytest.raises(DataError, match="the picture in the row cannot be read as a picture"):
        decode_image(whole[:60])
    (tmp_path / "half.png").write_bytes(whole[:60])
    with pytest.raises(DataError, match=r"`.*half\.png` cannot be read as a picture"):
        read_image(tmp_path / "half.png")
    with pytest.raises(DataError, match=r"`.*absent\.png` cannot be read as a picture: .*No such file"):
        read_image(tmp_path / "absent.png")


def test_a_picture_of_too_many_pixels_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(png(size=(50, 50)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"`.*a\.png` cannot be read as a picture: .*decompression bomb"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    "cell",
    [
        "folder/a.JPG",
        png(),
        {"bytes": png(), "path": None},
        {"bytes": None, "path": "a.webp"},
        np.zeros((3, 5), np.uint8),
        np.zeros((3, 5, 4), np.uint8),
        Image.new("L", (3, 5)),
    ],
)
def test_what_is_a_picture_looks_like_one(cell: Any) -> None:
    assert looks_like_picture(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "a picture of a cat",
        "a.wav",
        7,
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        {"bytes": b"RIFF", "path": "a.png"},
        {"array": np.zeros(9), "sampling_rate": 8_000},
        np.zeros((3, 5)),
        np.zeros((3, 5, 7), np.uint8),
        [[1, 2], [3, 4]],
    ],
)
def test_what_is_none_does_not(cell: Any) -> None:
    assert not looks_like_picture(cell)


def test_a_pillow_image_stays_itself() -> None:
    image = Image.new("L", (3, 5))
    assert decode_image(image) is image


def test_files_of_pictures_are_known_by_their_endings() -> None:
    assert is_picture_file("a/b.TIFF")
    assert not is_picture_file("a/b.npy")
    assert not is_picture_file(png())
