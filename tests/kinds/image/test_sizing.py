"""How pictures of mixed tables are read, from their sizes."""

from __future__ import annotations

import pytest

from perceivers.kinds.image.sizing import image_options


@pytest.mark.parametrize(
    ("sizes", "form", "side"),
    [
        ([(8, 8)], "fourier", 8),
        ([(5, 3)], "fourier", 8),
        ([(11, 13)], "fourier", 13),
        ([(28, 28)], "conv", 28),
        ([(29, 17)], "conv", 32),
        ([(480, 640)], "conv", 64),
        # The middle one of three.
        ([(8, 8), (9, 8), (900, 8)], "fourier", 9),
    ],
)
def test_small_pictures_are_pixels_and_large_ones_go_through_a_stem(sizes, form, side):
    options = image_options(sizes, grey=False)
    assert (options.input_form, options.image_height, options.image_width) == (form, side, side)
    assert options.image_channels == 3


def test_pictures_without_colours_have_one_channel():
    assert image_options([(28, 28)], grey=True).image_channels == 1
