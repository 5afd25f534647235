"""Random crops and mirroring of one picture, drawn from the sample's own generator."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

LARGEST_ASPECT = 4.0 / 3.0
MOST_ATTEMPTS = 10


def random_box(
    height: int, width: int, generator: np.random.Generator, *, smallest_area: float
) -> tuple[int, int, int, int]:
    """Draw a part of a picture, as the Inception network was trained (Szegedy et al. 2015, arXiv 1409.4842, section 6).

    Its area is a share of the picture's, drawn evenly; its width over its height is between 3/4 and 4/3, drawn evenly
    on a logarithmic scale. A part that does not fit is drawn again, at most ten times; then the largest middle part
    with an admitted shape is taken.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        generator: what the numbers are drawn from.
        smallest_area: smallest share of the picture's area, in (0, 1].

    Returns:
        (top, left, height, width) in pixels, inside the picture, one pixel at least.
    """
    for _ in range(MOST_ATTEMPTS):
        area = height * width * generator.uniform(smallest_area, 1.0)
        aspect = math.exp(generator.uniform(-math.log(LARGEST_ASPECT), math.log(LARGEST_ASPECT)))
        tall, wide = max(1, round(math.sqrt(area / aspect))), max(1, round(math.sqrt(area * aspect)))
        if tall <= height and wide <= width:
            top = int(generator.integers(0, height - tall + 1))
            left = int(generator.integers(0, width - wide + 1))
            return top, left, tall, wide
    tall = min(height, max(1, round(width * LARGEST_ASPECT)))
    wide = min(width, max(1, round(height * LARGEST_ASPECT)))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def random_crop(
    image: Image.Image,
    generator: np.random.Generator,
    *,
    size: tuple[int, int],
    smallest_area: float,
) -> Image.Image:
    """Cut a random part (`random_box`) out of a picture and resize it (bicubic).

    Args:
        image: of any size; its mode stays.
        generator: what the numbers are drawn from.
        size: height and width afterwards, in pixels.
        smallest_area: smallest share of the picture's area, in (0, 1].
    """
    top, left, tall, wide = random_box(image.height, image.width, generator, smallest_area=smallest_area)
    box = (left, top, left + wide, top + tall)
    return image.resize((size[1], size[0]), Image.Resampling.BICUBIC, box=box)


def random_flip(image: Image.Image, generator: np.random.Generator, probability: float) -> Image.Image:
    """Swap left and right with `probability`, in [0, 1]."""
    flipped = generator.random() < probability
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flipped else image
