"""Pictures as the model's pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.kinds.image.augmentation import vary_picture
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import Picture
from perceivers.kinds.image.tensors import image_modality, image_processor, pixels_of, seen_part
from perceivers.models.modality_types import build_preprocessor

SIZE: dict[str, Any] = {"image_height": 5, "image_width": 7}


def test_pictures_of_any_size_come_to_one_size_between_minus_one_and_one() -> None:
    pictures = [Picture(Image.new("L", (3, 11), 255)), Picture(Image.new("RGB", (20, 2), (0, 255, 0)))]
    given = pixels_of(pictures, ImageOptions(**SIZE))
    assert given.values.shape == (2, 3, 5, 7)
    assert given.mask is None
    torch.testing.assert_close(given.values[0], torch.ones(3, 5, 7))
    torch.testing.assert_close(given.values[1, :, 0, 0], torch.tensor([-1.0, 1.0, -1.0]))


def test_absent_pictures_are_masked_and_never_invented() -> None:
    white = Picture(Image.new("L", (3, 11), 255))
    given = pixels_of([None, white, None], ImageOptions(**SIZE))
    assert given.mask is not None
    assert given.mask.tolist() == [False, True, False]
    assert given.values.flatten(1).amin(dim=1).tolist() == [0.0, 1.0, 0.0]
    nothing = pixels_of([None, None], ImageOptions(**SIZE, image_channels=1))
    assert nothing.values.shape == (2, 1, 5, 7)
    assert nothing.mask is not None
    assert nothing.mask.tolist() == [False, False]


def test_the_processor_keeps_the_asked_share_of_the_middle() -> None:
    options = ImageOptions(
        image_height=14, image_width=14, centre_crop=0.875, pixel_mean=(0.1, 0.2, 0.3), pixel_std=(0.5,)
    )
    processor = image_processor(options)
    assert processor.do_center_crop
    assert processor.crop_size == {"height": 16, "width": 16}
    assert processor.image_mean == (0.1, 0.2, 0.3)
    assert processor.image_std == (0.5, 0.5, 0.5)


def test_a_random_crop_is_not_cut_once_more() -> None:
    options = ImageOptions(**SIZE, crop_area=0.9, centre_crop=0.5)
    # A bright frame about a dark middle: the middle half shows none of it, a random crop of nine tenths does.
    framed = np.full((40, 40), 255, np.uint8)
    framed[5:35, 5:35] = 0
    picture = Picture(Image.fromarray(framed))
    varied = vary_picture(picture, options, np.random.default_rng(0))
    assert pixels_of([picture], options).values.max() == -1.0
    assert pixels_of([varied], options).values.max() > 0.0


def test_what_is_seen_is_the_part_that_the_processor_cuts() -> None:
    image = Image.new("L", (60, 40))
    assert seen_part(image, ImageOptions(**SIZE)).size == (60, 40)
    # Half of the shorter side of 40 pixels; 7 of 14 columns and 5 of 10 rows are half too.
    assert seen_part(image, ImageOptions(**SIZE, centre_crop=0.5)).size == (20, 20)


@pytest.mark.parametrize(
    ("changed", "tokens"),
    [
        ({}, 5 * 7),
        ({"num_fourier_bands": 2, "image_channels": 1}, 5 * 7),
        # A stem with padding leaves a quarter of each side, rounded up.
        (
            {"input_form": "conv", "image_height": 18, "image_width": 21, "stem_padding": "same"},
            5 * 6,
        ),
        (
            {"input_form": "conv", "image_height": 32, "image_width": 48, "num_stem_layers": 2,
             "stem_padding": "same", "stem_batch_norm": False, "stem_channels": 11},
            2 * 3,
        ),
        # Three stages halve twice; 5 x 7 pixels become 3 x 4, then 2 x 2.
        ({"input_form": "stem"}, 2 * 2),
        ({"input_form": "stem", "stem_widths": (5, 7), "stem_blocks": 0, "stem_first_pool": 2}, 2 * 2),
        ({"input_form": "stem", "stem_widths": (5,)}, 5 * 7),
    ],
)  # fmt: skip
def test_each_form_is_a_modality_that_takes_its_pixels(changed: dict[str, Any], tokens: int) -> None:
    options = ImageOptions(**{**SIZE, **changed})
    modality = build_preprocessor(PerceiverConfig(), "photo", image_modality(options))
    pixels = pixels_of([Picture(Image.new("RGB", (9, 9)))], options).values
    assert modality(pixels)[0].shape[:2] == (1, tokens)


def test_learned_positions_are_refused_with_the_cure() -> None:
    with pytest.raises(
        ConfigurationError,
        match="`input_form` must be fourier, conv or stem for pictures among other columns, received 'learned': only "
        "`image-classification` has learned positions",
    ):
        image_modality(ImageOptions(**SIZE, input_form="learned"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("centre_crop", [1.0, 0.8])
@pytest.mark.parametrize("size", [(8, 8), (13, 29), (32, 24)])
def test_small_pictures_of_one_form_together_are_as_one_by_one(
    channels: int, centre_crop: float, size: tuple[int, int]
) -> None:
    chosen = ImageOptions(image_height=16, image_width=12, image_channels=channels, centre_crop=centre_crop)
    chance = np.random.default_rng(0)
    shape = (5, *size) if channels == 1 else (5, *size, 3)
    pictures = [Picture(Image.fromarray(each)) for each in chance.integers(0, 256, shape, dtype=np.uint8)]
    together = pixels_of(pictures, chosen).values
    alone = torch.cat(
        [
            image_processor(chosen)([picture.image], return_tensors="pt")["pixel_values"]
            for picture in pictures
        ]
    )
    assert together.shape == (5, channels, 16, 12)
    assert torch.equal(together, alone)
