"""RandAugment: a few operations on one picture, drawn from fourteen, all of one strength.

Cubuk et al. 2019, "RandAugment: Practical automated data augmentation with a reduced search space" (arXiv 1909.13719).
Strength 10 of each operation is that of AutoAugment's table (Cubuk et al. 2018, arXiv 1805.09501).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from perceivers.errors import ConfigurationError

HIGHEST_MAGNITUDE = 10.0
GREY = 128

Operation = Callable[[Image.Image, float], Image.Image]


def rand_augment(
    image: Image.Image, generator: np.random.Generator, *, num_operations: int, magnitude: float
) -> Image.Image:
    """Apply operations drawn evenly, with replacement, one after the other.

    Args:
        image: grey ("L") or RGB.
        generator: what operations and directions are drawn from.
        num_operations: how many; 0 gives the picture back.
        magnitude: strength, in [0, 10]; `apply_operation` says what it means.
    """
    names = tuple(OPERATIONS)
    for _ in range(num_operations):
        name = names[int(generator.integers(len(names)))]
        sign = 1.0 if generator.random() < 0.5 else -1.0
        image = apply_operation(name, image, sign * magnitude)
    return image


def apply_operation(name: str, image: Image.Image, magnitude: float) -> Image.Image:
    """Apply one operation.

    Args:
        name: one of `OPERATIONS`.
        image: grey ("L") or RGB.
        magnitude: strength and direction, in [-10, 10]. Per unit: 3 degrees of rotation, 0.03 of shear, a shift of
            0.045 of the side, 0.09 of colour, contrast, brightness and sharpness; at 10, solarising inverts every
            value, and posterising leaves 4 bits. Operations without a direction take the strength alone, those without a
            strength ("auto_contrast", "equalize", "identity") neither.
    """
    if image.mode not in ("L", "RGB"):
        raise ConfigurationError(f"`image` must have mode L or RGB, received {image.mode}")
    if not -HIGHEST_MAGNITUDE <= magnitude <= HIGHEST_MAGNITUDE:
        raise ConfigurationError(f"`magnitude` must be in [-10, 10], received {magnitude}")
    return OPERATIONS[name](image, magnitude / HIGHEST_MAGNITUDE)


def _transformed(image: Image.Image, coefficients: tuple[float, ...]) -> Image.Image:
    """Output position (x, y, 1) times two rows of coefficients is the position that is read."""
    fill = GREY if image.mode == "L" else (GREY, GREY, GREY)
    return image.transform(
        image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=fill
    )


def _rotate(image: Image.Image, share: float) -> Image.Image:
    fill = GREY if image.mode == "L" else (GREY, GREY, GREY)
    return image.rotate(30.0 * share, Image.Resampling.BILINEAR, fillcolor=fill)


def _enhance(kind: Callable[[Image.Image], Any]) -> Operation:
    return lambda image, share: kind(image).enhance(1.0 + 0.9 * share)


def _solarize(image: Image.Image, share: float) -> Image.Image:
    return ImageOps.solarize(image, threshold=round(256 * (1.0 - abs(share))))


def _posterize(image: Image.Image, share: float) -> Image.Image:
    return ImageOps.posterize(image, bits=8 - round(4 * abs(share)))


# Shears turn about the middle, so that content leaves the picture on both sides alike.
OPERATIONS: Mapping[str, Operation] = {
    "identity": lambda image, share: image,
    "auto_contrast": lambda image, share: ImageOps.autocontrast(image),
    "equalize": lambda image, share: ImageOps.equalize(image),
    "rotate": _rotate,
    "solarize": _solarize,
    "colour": _enhance(ImageEnhance.Color),
    "posterize": _posterize,
    "contrast": _enhance(ImageEnhance.Contrast),
    "brightness": _enhance(ImageEnhance.Brightness),
    "sharpness": _enhance(ImageEnhance.Sharpness),
    "shear_x": lambda image, share: _transformed(
        image, (1.0, 0.3 * share, -0.3 * share * image.height / 2, 0.0, 1.0, 0.0)
    ),
    "shear_y": lambda image, share: _transformed(
        image, (1.0, 0.0, 0.0, 0.3 * share, 1.0, -0.3 * share * image.width / 2)
    ),
    "translate_x": lambda image, share: _transformed(
        image, (1.0, 0.0, 0.45 * share * image.width, 0.0, 1.0, 0.0)
    ),
    "translate_y": lambda image, share: _transformed(
        image, (1.0, 0.0, 0.0, 0.0, 1.0, 0.45 * share * image.height)
    ),
}
