"""Random changes of one picture, as the options ask for them."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.image.crops import random_crop, random_flip
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.randaugment import rand_augment
from perceivers.kinds.image.reading import Picture, plain_image


def vary_picture(picture: Picture, options: ImageOptions, generator: np.random.Generator) -> Picture:
    """Crop, mirror and RandAugment one picture; the picture itself where the options ask for none."""
    crops = options.crop_area < 1.0
    if not (crops or options.flip or options.rand_augment_operations):
        return picture
    image = plain_image(picture.image, options.image_channels)
    if crops:
        size = (options.image_height, options.image_width)
        image = random_crop(image, generator, size=size, smallest_area=options.crop_area)
    image = random_flip(image, generator, options.flip)
    image = rand_augment(
        image,
        generator,
        num_operations=options.rand_augment_operations,
        magnitude=options.rand_augment_magnitude,
    )
    return Picture(image, is_framed=crops)
