"""Pictures from what rows hold: paths, bytes, pixels; and what is said about those that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import DataError
from perceivers.kinds.image.reading import (
    dark_note,
    decode_image,
    decode_sized,
    is_picture_file,
    looks_like_picture,
    read_plain,
)


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
        decode_image("half.png", tmp_path)
    with pytest.raises(
        DataError, match=r"`.*absent\.png` cannot be read as a picture: there is no such file"
    ):
        decode_image("absent.png", tmp_path)


def test_a_picture_of_too_many_pixels_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(png(size=(50, 50)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"`.*a\.png` is too large a picture: .*decompression bomb"):
        decode_image("a.png", tmp_path)


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


def test_every_form_of_a_picture_is_plain_for_the_model() -> None:
    see_through = Image.new("RGBA", (1, 1), (100, 0, 255, 51))
    # (100 * 51 + 255 * 204) / 255 = 224
    assert read_plain(see_through, channels=3).getpixel((0, 0)) == (224, 204, 255)
    assert read_plain(Image.new("LA", (1, 1), (100, 51)), channels=1).getpixel((0, 0)) == 224
    assert read_plain(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), channels=3).getpixel((0, 0)) == (255, 0, 0)
    assert read_plain(Image.new("1", (1, 1), 1), channels=3).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (1, 1), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert read_plain(palette, channels=3).getpixel((0, 0)) == (10, 20, 30)
    assert read_plain(np.array([[200]], np.uint16), channels=1).getpixel((0, 0)) == 1
    assert read_plain(np.array([[0.2]], np.float32), channels=1).getpixel((0, 0)) == 51
    assert read_plain(np.array([[200]], np.uint16), channels=1, white_level=200).getpixel((0, 0)) == 255


def test_a_dark_set_of_deep_pictures_is_told() -> None:
    def note(*tops: int) -> str | None:
        return dark_note([np.array([[0, top]], np.uint16) for top in tops])

    assert note(200, 4095) == (
        "of 2 pictures deeper than 8 bits the brightest value is 4095, where 65535 is white: the model sees them nearly "
        "black; `--white-level 4095` makes them brighter"
    )
    assert "`--white-level 255` " in str(note(200))
    assert note(200, 60000) is None
    assert dark_note([png(), "absent.png", None]) is None


def test_a_picture_that_is_read_smaller_has_its_own_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 320)).save(tmp_path / "a.jpg", exif=exif)
    for cell in ("a.jpg", (tmp_path / "a.jpg").read_bytes(), {"path": "a.jpg"}):
        picture, size = decode_sized(cell, tmp_path, 40)
        assert (picture.size, size) == ((40, 80), (640, 320))
    picture, size = decode_sized(np.zeros((30, 20), np.uint8), None, 5)
    assert (picture.size, size) == ((20, 30), (30, 20))
