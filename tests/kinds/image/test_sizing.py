"""How pictures are read and learned, from their sizes and colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from perceivers.arguments.advice import Advice
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.sizing import Looks, image_learning, image_options, looks_of, picture_size


def photograph(channels: int = 3) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (23, 19, channels), dtype=np.uint8)
    return Image.fromarray(pixels if channels == 3 else pixels[..., 0])


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(8, 8)], (8, 8)),
        ([(5, 3)], (8, 8)),
        ([(11, 13)], (13, 13)),
        ([(28, 28)], (28, 28)),
        ([(40, 29)], (40, 40)),
        ([(41, 41)], (64, 64)),
        ([(480, 640)], (64, 64)),
        # Twice as wide as high: the area of 64 x 64 pixels, 45 x 91.
        ([(100, 200)], (45, 91)),
        ([(30, 10)], (30, 10)),
        # Shapes end at four to one: 32 x 128.
        ([(10, 900)], (32, 128)),
        # The middle one of three.
        ([(8, 8), (9, 8), (900, 8)], (9, 9)),
    ],
)
def test_small_pictures_keep_their_size_and_large_ones_a_bounded_area(sizes, expected):
    assert picture_size(sizes) == expected


@pytest.mark.parametrize(
    ("side", "stride", "stages", "grid"),
    [(8, 1, 2, 4), (12, 1, 3, 3), (28, 1, 4, 4), (32, 1, 4, 4), (40, 1, 4, 5), (640, 2, 4, 4)],
)
def test_stages_halve_pictures_to_five_tokens_a_side_at_most(side, stride, stages, grid):
    options = image_options(Looks([(side, side)], grey=False, photographs=True))
    assert (options.input_form, options.stem_first_pool) == ("stem", stride)
    assert options.stem_widths == ((32 if side <= 40 else 16), 64, 128, 256)[:stages]
    assert options.stem_grid == (grid, grid)
    assert options.num_fourier_bands == grid // 2


def test_photographs_in_colour_alone_are_mirrored():
    def flip(grey, photographs):
        options = image_options(Looks([(32, 32)], grey=grey, photographs=photographs))
        assert options.image_channels == (1 if grey else 3)
        assert (options.jitter > 0) == (options.flip > 0)
        return options.flip

    assert [flip(False, True), flip(True, True), flip(False, False)] == [0.5, 0.0, 0.0]


def test_colours_and_smoothness_are_seen_from_the_pixels():
    looks = looks_of([photograph(), photograph(channels=1)])
    assert (looks.sizes, looks.grey, looks.photographs) == ([(23, 19), (23, 19)], False, True)
    # Grey pixels are grey in any mode.
    assert looks_of([photograph(channels=1).convert("RGB")]).grey
    assert looks_of([Image.new("I;16", (9, 9), 4_000)]).grey
    drawing = Image.new("RGB", (20, 20), (255, 255, 255))
    drawing.paste((200, 0, 0), (5, 5, 9, 9))
    assert (looks_of([drawing]).grey, looks_of([drawing]).photographs) == (False, False)
    # A single row has no neighbours below.
    assert not looks_of([Image.new("RGB", (7, 1))]).photographs


def test_large_pictures_are_learned_in_fewer_passes():
    small = image_options(Looks([(8, 8)], grey=True, photographs=False))
    large = image_options(Looks([(300, 300)], grey=False, photographs=True))
    assert image_learning(20_000, small).epochs > image_learning(20_000, large).epochs
    assert image_learning(20_000, ImageOptions()) == Advice()


@pytest.mark.parametrize(
    ("flip", "num_rows", "mixed"),
    [(0.5, 1_000, (0.2, 1.0)), (0.5, 2_000_000, (None, None)), (0.0, 1_000, (None, None))],
    ids=["photographs", "too many for 30 passes", "characters"],
)
def test_photographs_that_are_seen_often_are_mixed(flip, num_rows, mixed):
    options = ImageOptions(input_form="stem", stem_widths=(128, 256), flip=flip)
    advice = image_learning(num_rows, options)
    assert (advice.mixup, advice.cutmix) == mixed


def test_pictures_that_are_seen_a_few_times_are_changed_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perceivers.nn.precision.multiplies_bfloat16", lambda: False)
    looks = Looks([(28, 28)], grey=False, photographs=True)
    few, many = (image_options(looks, rows) for rows in (700, 700_000))
    assert (few.shift, few.rotation, few.scale, few.jitter) == (0.1, 10.0, 0.15, 0.2)
    # 8 passes of 60.
    assert image_learning(700_000, many).epochs == 8
    assert (many.shift, many.rotation, many.scale, many.jitter) == (0.013, 1.3, 0.02, 0.027)
    # Whether left and right matter has nothing to do with it.
    assert many.flip == few.flip == 0.5
