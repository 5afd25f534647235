"""Pictures to the model's pixels, and what makes tokens of them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from perceivers.errors import ConfigurationError
from perceivers.kinds.base import ModalityInput
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import Picture
from perceivers.processors.image.fast import PerceiverImageProcessorFast
from perceivers.processors.image.geometry import centre_box
from perceivers.processors.image.opening import upright
from perceivers.processors.image.pillow import PerceiverImageProcessor

# Side in pixels up to which pictures of one form are processed together.
LARGEST_AT_ONCE = 96
SHARED_OPTIONS = ("do_center_crop", "crop_size", "size", "image_mean", "image_std")


def image_processor(options: ImageOptions) -> PerceiverImageProcessor:
    """What crops, resizes and scales pictures for the model."""
    height, width = options.image_height, options.image_width
    mean, std = (
        list(values) * (options.image_channels // len(values))
        for values in (options.pixel_mean, options.pixel_std)
    )
    return PerceiverImageProcessor(
        do_center_crop=options.centre_crop < 1.0,
        crop_size={
            "height": round(height / options.centre_crop),
            "width": round(width / options.centre_crop),
        },
        size={"height": height, "width": width},
        image_mean=mean,
        image_std=std,
    )


def pixels_of(pictures: Sequence[Picture | None], options: ImageOptions) -> ModalityInput:
    """Pixels [batch, image_channels, height, width], normalised, of 0 where there is no picture, which the mask hides."""
    processor = image_processor(options)
    known = [picture for picture in pictures if picture is not None]
    size = (options.image_channels, options.image_height, options.image_width)
    pixels = torch.zeros(0, *size)
    if known:
        # What a random crop has cut is not cut once more.
        crops = bool(processor.do_center_crop) and not all(picture.is_framed for picture in known)
        pixels = _processed([picture.image for picture in known], processor, crops)
    if len(known) == len(pictures):
        return ModalityInput(pixels)
    mask = torch.tensor([picture is not None for picture in pictures])
    whole = torch.zeros(len(pictures), *size)
    whole[mask] = pixels
    return ModalityInput(whole, mask)


def _processed(images: Sequence[Image.Image], processor: PerceiverImageProcessor, crops: bool) -> Tensor:
    """Pixels [batch, image_channels, height, width] of pictures that were read; small ones of one form all at once.

    Both processors give the same values; many small pictures cost Pillow more to take up than to resize.
    """
    first = images[0]
    alike = all(image.size == first.size and image.mode == first.mode for image in images)
    if alike and first.mode in ("L", "RGB") and max(first.size) <= LARGEST_AT_ONCE:
        batch = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
        batch = batch[:, None] if first.mode == "L" else batch.permute(0, 3, 1, 2)
        together = PerceiverImageProcessorFast(**{name: getattr(processor, name) for name in SHARED_OPTIONS})
        given = together(batch, return_tensors="pt", do_center_crop=crops, input_data_format="channels_first")
    else:
        given = processor(images, return_tensors="pt", do_center_crop=crops)
    pixels: Tensor = given["pixel_values"]
    return pixels


def seen_part(image: Image.Image, options: ImageOptions) -> Image.Image:
    """The part of a picture, upright, that the model is shown."""
    image, processor = upright(image), image_processor(options)
    if not processor.do_center_crop:
        return image
    top, left, height, width = centre_box(image.height, image.width, processor.size, processor.crop_size)
    return image.crop((left, top, left + width, top + height))


def image_modality(options: ImageOptions) -> dict[str, Any]:
    """The entry in `config.modalities` for the chosen form of the input.

    Raises:
        ConfigurationError: the form has learned positions, which modalities do not have.
    """
    if options.input_form == "learned":
        raise ConfigurationError(
            "`input_form` must be fourier, conv or stem for pictures among other columns, received 'learned': only "
            "`image-classification` has learned positions"
        )
    values = options.form_values()
    own: dict[str, Any] = {
        "type": "image",
        "in_channels": options.image_channels,
        "num_bands": values["num_fourier_bands"],
    }
    if options.input_form == "fourier":
        size = [options.image_height, options.image_width]
        return {**own, "prep_type": "pixels", "spatial_downsample": 1, "max_resolution": size}
    if options.input_form == "stem":
        return {
            **own,
            "prep_type": "stem",
            "spatial_downsample": options.stem_factor,
            "stem_widths": list(values["stem_widths"]),
            "stem_blocks": values["stem_blocks"],
            "max_resolution": list(options.stem_grid),
        }
    return {
        **own,
        "prep_type": "conv",
        "spatial_downsample": 4 ** values["num_stem_layers"],
        "out_channels": values["stem_channels"],
        "conv2d_use_batchnorm": values["stem_batch_norm"],
        "stem_padding": values["stem_padding"],
        "max_resolution": list(options.stem_grid),
    }
