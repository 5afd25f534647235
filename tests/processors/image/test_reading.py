"""Every kind of picture is read by the rules written down, and what cannot be read is named."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.errors import DataError
from perceivers.processors.image.opening import open_picture
from perceivers.processors.image.reading import read_picture, read_pictures, with_channels


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def chw(values):
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))


def test_layouts_of_arrays(values):
    expected = chw(values)
    assert torch.equal(read_picture(values), expected)
    assert torch.equal(read_picture(values.transpose(2, 0, 1)), expected)
    assert torch.equal(read_picture(expected), expected)
    assert torch.equal(read_picture(values.tolist()), expected)
    assert torch.equal(read_picture(values[..., 0]), expected[:1])
    assert torch.equal(read_picture(values[..., :2], input_data_format="channels_last"), expected[:2])
    assert torch.equal(read_picture(values[:3], input_data_format="channels_last"), expected[:, :3])
    assert torch.equal(read_picture(values[..., 0], input_data_format="none"), expected[:1])


def test_gradients_and_other_dtypes_do_not_get_in_the_way(values):
    floats = chw(values).float().div(255).requires_grad_()
    assert not read_picture(floats).requires_grad
    assert read_picture(floats.detach().bfloat16()).dtype == torch.float32
    assert read_picture(values[::-1, ::-1].astype(">i4")).dtype == torch.uint8
    assert read_picture(values > 100).max() == 1
    frozen = values.copy()
    frozen.flags.writeable = False
    assert torch.equal(read_picture(frozen), chw(values))


def test_16_bit_values_become_bytes():
    deep = np.array([[0, 128, 129, 257, 32768, 65534, 65535]], dtype=np.uint16)
    expected = [0, 0, 1, 1, 128, 255, 255]
    for picture in (
        deep,
        deep.astype(np.int64),
        Image.fromarray(deep),
        Image.fromarray(deep.astype(np.int32)),
    ):
        assert read_picture(picture).flatten().tolist() == expected
    assert read_picture(torch.from_numpy(deep)).flatten().tolist() == expected
    assert read_picture(Image.fromarray(deep), channels=3).shape == (3, 1, 7)
    big_endian = Image.frombytes("I;16B", (7, 1), deep.astype(">u2").tobytes())
    assert read_picture(big_endian).flatten().tolist() == expected
    # Nothing beyond 255: bytes in a wide type, as Transformers has it; Pillow's modes of 16 bits say it themselves.
    assert read_picture(deep[:, :2]).flatten().tolist() == [0, 128]
    assert read_picture(Image.fromarray(deep[:, :2])).flatten().tolist() == [0, 0]


def test_a_16_bit_png_is_read(tmp_path):
    Image.fromarray(np.array([[0, 257, 65535]], dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png", channels=3)[:, 0].tolist() == [[0, 1, 255]] * 3


def test_modes_are_read_as_what_they_show():
    black_and_white = Image.fromarray(np.array([[True, False]]))
    assert read_picture(black_and_white).tolist() == [[[255, 0]]]
    palette = Image.new("P", (1, 1), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert read_picture(palette).flatten().tolist() == [10, 20, 30]
    palette.info["transparency"] = 1
    assert read_picture(palette).flatten().tolist() == [10, 20, 30, 0]
    assert read_picture(palette, channels=3).flatten().tolist() == [255, 255, 255]
    half = Image.new("RGBA", (1, 1), (100, 50, 200, 128))
    assert read_picture(half.convert("RGBa")).flatten().tolist() == [99, 49, 199, 128]
    assert read_picture(Image.new("F", (1, 1), 0.25)).flatten().tolist() == [0.25]
    assert read_picture(Image.new("CMYK", (1, 1), (0, 0, 0, 255)), channels=3).flatten().tolist() == [0, 0, 0]
    assert read_picture(Image.new("CMYK", (1, 1), (0, 0, 0, 255)), channels=1).flatten().tolist() == [0]


def test_alpha_lies_on_white():
    # (100 * 51 + 255 * 204) / 255 = 224
    see_through = torch.tensor([100, 0, 255, 51], dtype=torch.uint8)[:, None, None]
    assert with_channels(see_through, 3).flatten().tolist() == [224, 204, 255]
    assert with_channels(see_through[[0, 3]], 1).flatten().tolist() == [224]
    unit = torch.tensor([0.5, 0.0, 1.0, 0.25])[:, None, None]
    assert with_channels(unit, 3).flatten().tolist() == [0.875, 0.75, 1.0]
    torch.testing.assert_close(with_channels(unit * 255, 3), with_channels(unit, 3) * 255)


def test_grey_of_colour_is_pillows(values):
    expected = np.array(Image.fromarray(values).convert("L"))
    assert with_channels(chw(values), 1)[0].tolist() == expected.tolist()
    floats = with_channels(chw(values).float() / 255, 1)[0] * 255
    assert (floats.round() - torch.from_numpy(expected).float()).abs().max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(values, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", exif=exif)
    turned = {
        1: values,
        2: values[:, ::-1],
        3: values[::-1, ::-1],
        4: values[::-1],
        5: values.transpose(1, 0, 2),
        6: np.rot90(values, -1),
        7: values[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(values),
    }[orientation]
    assert torch.equal(read_picture(Image.open(buffer)), chw(turned))


def test_files_are_read_by_path(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert torch.equal(read_picture(path), chw(values))


def test_absent_and_damaged_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"absent.png` cannot be read as a picture: there is no such file"):
        open_picture(tmp_path / "absent.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text.png` cannot be read as a picture"):
        read_pictures([tmp_path / "text.png"])
    noise = Image.effect_noise((64, 64), 90)
    noise.save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut.png` cannot be read as a picture"):
        open_picture(tmp_path / "cut.png")
    with (
        pytest.raises(DataError, match=r"cut.png` cannot be decoded"),
        Image.open(tmp_path / "cut.png") as lazy,
    ):
        read_picture(lazy)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    Image.new("L", (64, 64)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"bomb.png` is too large a picture"):
        open_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, "`images` must be a picture or a list of pictures, received None"),
        ([], "`images` must hold at least one picture"),
        ([np.zeros((2, 2)), None], r"`images\[1\]` must be a picture or a list of pictures, received None"),
        (np.zeros((0, 5, 3)), r"`images\[0\]` must not be empty, received shape \[0, 5, 3\]"),
        (np.full((5, 7, 3), np.nan), r"`images\[0\]` must be finite"),
        (np.full((5, 7, 3), -1), r"received whole numbers from -1 to -1"),
        (np.full((5, 7, 3), 70000), r"received whole numbers from 70000 to 70000"),
        (np.zeros((5, 7, 2)), r"1, 3 or 4 channels .* received shape \[5, 7, 2\]: say which axis"),
        (np.zeros(5), r"must be \[height, width\] or three axes with the channels, received shape \[5\]"),
        (np.zeros((5, 7), dtype=complex), r"must hold numbers, received an array of dtype complex128"),
        (torch.zeros((5, 7), dtype=torch.complex64), r"must hold real numbers, received torch.complex64"),
        (object(), r"must hold numbers, received an array of dtype object"),
    ],
)
def test_what_is_no_picture_is_named(images, message):
    with pytest.raises(DataError, match=message):
        read_pictures(images)


def test_a_layout_that_does_not_fit_is_named():
    with pytest.raises(DataError, match=r"must be \[height, width\], received shape \[5, 7, 3\]"):
        read_picture(np.zeros((5, 7, 3)), input_data_format="none")
    with pytest.raises(DataError, match=r"`image` must have 3 channels, received 5"):
        with_channels(torch.zeros(5, 2, 2), 3)
