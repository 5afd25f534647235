"""Pictures to the model's pixels by Pillow and NumPy alone: cut, resized, brought to the scale of the options."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import Picture
from perceivers.processors.image.geometry import centre_box

_WHITE = 255


def pixel_arrays(pictures: Sequence[Picture | None], options: ImageOptions) -> ModalityInput:
    """Pixels float32 [batch, image_channels, height, width], of 0 where there is no picture, which the mask hides."""
    known = [picture for picture in pictures if picture is not None]
    # What a random crop has cut is not cut once more.
    cuts = options.centre_crop < 1.0 and not all(picture.is_framed for picture in known)
    size = (options.image_channels, options.image_height, options.image_width)
    batch = np.zeros((len(pictures), *size), dtype=np.float32)
    for place, picture in enumerate(pictures):
        if picture is not None:
            batch[place] = _pixels(picture.image, options, cuts=cuts)
    if len(known) == len(pictures):
        return ModalityInput(batch)
    return ModalityInput(batch, np.array([picture is not None for picture in pictures]))


def _pixels(image: Image.Image, options: ImageOptions, *, cuts: bool) -> np.ndarray:
    height, width = options.image_height, options.image_width
    if cuts:
        crop_size = {
            "height": round(height / options.centre_crop),
            "width": round(width / options.centre_crop),
        }
        top, left, tall, wide = centre_box(
            image.height, image.width, {"height": height, "width": width}, crop_size
        )
        image = image.crop((left, top, left + wide, top + tall))
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    # Bytes have few values: each is scaled once, in float64.
    scaled = (np.arange(_WHITE + 1) / _WHITE).astype(np.float32)[pixels]
    mean, std = (
        np.array(list(values) * (options.image_channels // len(values)), dtype=np.float32)[:, None, None]
        for values in (options.pixel_mean, options.pixel_std)
    )
    return (scaled - mean) / std
