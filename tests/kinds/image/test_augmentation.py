"""One picture varied at random, as the options ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.kinds.image.augmentation import vary_picture
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import Picture

SIZE: dict[str, Any] = {"image_height": 5, "image_width": 7}


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (31, 23, 3), dtype=np.uint8)


def test_a_picture_stays_itself_where_nothing_is_asked_for() -> None:
    picture = Picture(Image.fromarray(noise()))
    assert vary_picture(picture, ImageOptions(**SIZE), np.random.default_rng(0)) is picture


@pytest.mark.parametrize("changed", [{"crop_area": 0.3}, {"flip": 1.0}, {"rand_augment_operations": 3}])
def test_equal_generators_change_a_picture_alike(changed: dict[str, Any]) -> None:
    options = ImageOptions(**SIZE, **changed)
    picture = Picture(Image.fromarray(noise()))
    first, again = (
        np.asarray(vary_picture(picture, options, np.random.default_rng(4)).image) for _ in range(2)
    )
    assert np.array_equal(first, again)
    assert first.shape != noise().shape or not np.array_equal(first, noise())


def test_a_mirrored_picture_is_not_framed() -> None:
    options = ImageOptions(**SIZE, flip=1.0)
    varied = vary_picture(Picture(Image.fromarray(noise())), options, np.random.default_rng(0))
    assert np.array_equal(np.asarray(varied.image), noise()[:, ::-1])
    assert not varied.is_framed


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "LA"])
def test_pictures_of_any_mode_can_be_varied(mode: str) -> None:
    options = ImageOptions(**SIZE, crop_area=0.5, flip=0.5, rand_augment_operations=2, image_channels=1)
    varied = vary_picture(Picture(Image.new(mode, (13, 11))), options, np.random.default_rng(1))
    assert (varied.image.mode, varied.image.size, varied.is_framed) == ("L", (7, 5), True)
