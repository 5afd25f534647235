"""Files of every depth, form and damage come out as one picture each, or are named."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import DataError
from perceivers.processors.image.opening import brightest, open_picture, plain_depth, smaller


def stored(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("top", [200, 4095, 60000])
@pytest.mark.parametrize(("kind", "dtype"), [("png", np.uint16), ("tiff", np.uint16), ("tiff", np.int32)])
def test_how_deep_a_file_is_follows_from_its_mode(top: int, kind: str, dtype: type) -> None:
    content = stored(Image.fromarray(np.array([[0, top]], dtype=dtype)), kind)
    assert np.asarray(open_picture(content)).tolist() == [[0, round(top / 257)]]
    assert np.asarray(open_picture(content, white_level=top)).tolist() == [[0, 255]]
    # What is brighter than a chosen white is white.
    assert np.asarray(open_picture(content, white_level=top / 2)).tolist() == [[0, 255]]


def test_floating_point_files_are_white_at_1() -> None:
    def content(*values: float) -> bytes:
        return stored(Image.fromarray(np.array([values], dtype=np.float32)), "tiff")

    assert np.asarray(open_picture(content(0.0, 0.2, 1.0))).tolist() == [[0, 51, 255]]
    assert np.asarray(open_picture(content(0.0, 10.0), white_level=20)).tolist() == [[0, 128]]
    with pytest.raises(
        DataError,
        match=r"from 0 to 200, and files of its kind \(mode F\) are white at 1: .*, `--white-level NUMBER` \(`white_level`",
    ):
        open_picture(content(0.0, 200.0))
    with pytest.raises(DataError, match="NaN or infinity"):
        open_picture(content(0.0, float("nan")))


def test_whole_numbers_beyond_16_bits_ask_for_their_white() -> None:
    content = stored(Image.fromarray(np.array([[0, 100_000]], dtype=np.int32)), "tiff")
    with pytest.raises(
        DataError, match=r"from 0 to 100000, and files of its kind \(mode I\) are white at 65535"
    ):
        open_picture(content)
    assert np.asarray(open_picture(content, white_level=200_000)).tolist() == [[0, 128]]
    with pytest.raises(DataError, match="from -1 to 7"):
        plain_depth(Image.fromarray(np.array([[-1, 7]], dtype=np.int32)), "it")


def with_exif(orientation: int, *, damaged: bool) -> bytes:
    """A JPEG file, 8 wide and 4 high, whose EXIF has an orientation and a rational of a negative numerator."""
    # Two entries: orientation (SHORT), x resolution, of type RATIONAL at offset 38.
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack("<HHII", 0x011A, 5, 1, 38)
    body = b"II*\x00" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0)
    body += struct.pack("<ii", -1, 1) if damaged else struct.pack("<II", 72, 1)
    return stored(Image.new("RGB", (8, 4)), "jpeg", exif=b"Exif\x00\x00" + body)


@pytest.mark.parametrize("damaged", [False, True])
def test_an_orientation_is_followed_beside_a_damaged_rational(damaged: bool) -> None:
    assert open_picture(with_exif(6, damaged=damaged)).size == (4, 8)
    assert open_picture(with_exif(1, damaged=damaged)).size == (8, 4)


def test_a_picture_is_turned_once() -> None:
    once = open_picture(with_exif(6, damaged=False))
    assert open_picture(stored(once, "png", exif=once.info.get("exif", b""))).size == (4, 8)


@pytest.mark.filterwarnings("ignore:.*Corrupt EXIF data")
def test_metadata_that_cannot_be_read_say_nothing() -> None:
    content = stored(Image.new("RGB", (8, 4)), "jpeg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")
    assert open_picture(content).size == (8, 4)


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tiff"])
def test_of_animated_files_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 4), (shade, shade, shade)) for shade in (40, 200, 90)]
    lossless = {"lossless": True} if kind == "webp" else {}
    content = stored(frames[0], kind, save_all=True, append_images=frames[1:], **lossless)
    assert open_picture(content).convert("RGB").getpixel((3, 2)) == (40, 40, 40)


def test_damaged_and_cut_files_are_named(tmp_path: Path) -> None:
    whole = stored(Image.effect_noise((64, 64), 90))
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.png` cannot be read as a picture: it is damaged"):
        open_picture(tmp_path / "cut.png")
    jpeg = stored(Image.effect_noise((64, 64), 90), "jpeg")
    with pytest.raises(
        DataError, match=r"the picture in the row cannot be read as a picture: it is damaged .*truncated"
    ):
        open_picture(jpeg[: len(jpeg) // 2])
    with pytest.raises(DataError, match=r"absent\.png` cannot be read as a picture: there is no such file"):
        open_picture(tmp_path / "absent.png")


def test_pictures_of_too_many_pixels_are_named() -> None:
    # 60,000 x 60,000 pixels in a few bytes; nothing is decoded.
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = stored(Image.new("RGB", (1, 1)))
    bomb = content[:16] + header + content[29:]
    with pytest.raises(DataError, match=r"too large a picture|cannot be read as a picture"):
        open_picture(bomb)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_large_picture_is_read_smaller_and_nearly_equal(kind: str) -> None:
    rows, columns = np.mgrid[0:300, 0:420] / 30.0
    waves = np.stack([np.sin(rows), np.cos(columns), np.sin(rows + columns)], axis=2)
    image = Image.fromarray((127 + 100 * waves).astype(np.uint8))
    content = stored(image, kind)
    read = open_picture(content, room=64)
    assert 64 <= min(read.size) < 128
    shown, expected = (
        np.asarray(each.resize((32, 32), Image.Resampling.BICUBIC), dtype=float) for each in (read, image)
    )
    assert np.abs(shown - expected).mean() < 1.0
    # What has not twice the room stays whole.
    assert open_picture(content, room=160).size == (420, 300)


def test_pictures_with_alpha_are_not_made_smaller_before_they_are_laid_on_white() -> None:
    see_through = Image.new("LA", (9, 9))
    assert smaller(see_through, 3) is see_through
    assert smaller(Image.new("L", (9, 9)), 3).size == (3, 3)


def test_the_brightest_value_of_deep_files_is_known(tmp_path: Path) -> None:
    deep = stored(Image.fromarray(np.array([[7, 4095]], dtype=np.uint16)))
    assert brightest(deep) == (4095.0, 65535.0)
    (tmp_path / "deep.png").write_bytes(deep)
    assert brightest(tmp_path / "deep.png") == (4095.0, 65535.0)
    assert brightest(stored(Image.new("L", (2, 2)))) is None
    assert brightest(b"no picture") is None
