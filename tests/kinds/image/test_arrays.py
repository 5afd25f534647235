"""Pixels by Pillow and NumPy alone are those of the image processor."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from perceivers.kinds.image.arrays import pixel_arrays
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import Picture, plain_image
from perceivers.processors.image.reading import read_picture


def pictures(channels: int) -> list[Picture]:
    generator = np.random.default_rng(0)
    sizes = ((23, 31), (113, 101), (7, 5))
    shapes = [size if channels == 1 else (*size, channels) for size in sizes]
    return [Picture(Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8))) for shape in shapes]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("centre_crop", [1.0, 0.8])
def test_pixels_are_those_of_the_processor(channels: int, centre_crop: float) -> None:
    options = ImageOptions(
        image_height=11,
        image_width=13,
        image_channels=channels,
        centre_crop=centre_crop,
        pixel_mean=(0.4,) if channels == 1 else (0.4, 0.5, 0.3),
        pixel_std=(0.2,) if channels == 1 else (0.2, 0.3, 0.1),
    )
    own = pixel_arrays(pictures(channels), options)
    expected = ImageKind(options).tensors(pictures(channels))[""]
    assert own.mask is None
    assert own.values.dtype == np.float32
    np.testing.assert_allclose(own.values, expected.values.numpy(), atol=2e-6)


def test_an_absent_picture_is_masked_and_a_framed_one_is_not_cut_again() -> None:
    options = ImageOptions(image_height=5, image_width=7, image_channels=1, centre_crop=0.5)
    (first, *_) = pictures(1)
    given = pixel_arrays([None, first], options)
    assert given.mask is not None
    assert given.mask.tolist() == [False, True]
    assert not given.values[0].any()
    framed = pixel_arrays([Picture(first.image, is_framed=True)], options)
    whole = ImageOptions(image_height=5, image_width=7, image_channels=1, centre_crop=1.0)
    np.testing.assert_array_equal(framed.values, pixel_arrays([first], whole).values)


@pytest.mark.parametrize("mode", ["1", "P", "PA", "LA", "RGBA", "La", "RGBa", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_any_mode_is_what_the_processor_reads(mode: str, channels: int) -> None:
    generator = np.random.default_rng(1)
    colours = Image.fromarray(generator.integers(0, 256, (7, 5, 4), dtype=np.uint8), "RGBA")
    source = {"La": "LA", "RGBa": "RGBA", "1": "L", "P": "RGB", "PA": "P", "CMYK": "RGB"}.get(mode, mode)
    picture = colours.convert("RGB").convert(source) if source == "P" else colours.convert(source)
    picture = picture if picture.mode == mode else picture.convert(mode)
    expected = read_picture(picture, channels=channels).numpy()
    received = np.asarray(plain_image(picture, channels))
    received = received[None] if channels == 1 else received.transpose(2, 0, 1)
    np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV"])
def test_colours_of_another_kind_are_shown_in_red_green_and_blue(mode: str) -> None:
    shown = plain_image(Image.new("RGB", (5, 3), (200, 100, 50)).convert(mode), 3)
    assert shown.mode == "RGB"
    assert np.abs(np.asarray(shown).astype(int) - (200, 100, 50)).max() <= 3
