"""How pictures are read and learned, from the sizes and colours that they have: pure functions, one place.

docs/learning/pictures_and_sounds.md says what each choice brought on held-out training pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image

from perceivers.arguments.advice import Advice
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import plain_image
from perceivers.kinds.passes import share_of_changes, stem_learning

# Pictures of about so many pixels a side stay as large as they are; larger ones become as large as SIDE_OF_PHOTOGRAPHS.
LARGEST_SMALL_SIDE, SIDE_OF_PHOTOGRAPHS = 40, 64
SMALLEST_SIDE = 8
# Pictures about as high as wide become squares; others keep the shape of the middle one, up to this.
SQUARE_UP_TO, LARGEST_ASPECT = 1.5, 4.0
# Stages halve a picture until its tokens are at most so many a side.
MOST_TOKENS_A_SIDE = 5
# Channels of the stages; the first one of large pictures, which has most pixels, has fewer.
WIDTHS, FIRST_OF_LARGE = (32, 64, 128, 256, 256), 16
# Larger differences than this between red, green and blue, of 255, are colours, not the noise of compression.
GREY_NOISE = 6.0
# Drawings have this share of neighbours (one below the other) or more that are exactly alike; photographs hardly have any.
FLAT_SHARE = 0.5
# Photographs are averaged in pairs, or exchange rectangles (arXiv 1710.09412, 1905.04899), in runs of so many passes.
MIXUP, CUTMIX, FEWEST_PASSES_MIXED = 0.2, 1.0, 30
# How much pictures may be changed, see `perceivers.kinds.passes.share_of_changes`.
SHIFT, ROTATION, SCALE, JITTER = 0.1, 10.0, 0.15, 0.2
# Pixels a side of the middle of a picture that are looked at.
LOOKED_AT = 256


@dataclass(frozen=True)
class Looks:
    """What some pictures look like.

    Args:
        sizes: height and width of each, in pixels; at least one.
        grey: whether none of them has colours.
        photographs: whether most of them are photographs, not drawings, characters or screens.
    """

    sizes: Sequence[tuple[int, int]]
    grey: bool
    photographs: bool


def looks_of(pictures: Iterable[Image.Image], sizes: Sequence[tuple[int, int]] | None = None) -> Looks:
    """Sizes, colours and smoothness of some pictures, at least one.

    Args:
        pictures: looked at one by one, so that they need not be in memory together.
        sizes: height and width of each, where the pictures were read smaller than they are; None: the pictures' own. It may
            be filled while the pictures are given.
    """
    own, spread, flat = [], [], []
    for picture in pictures:
        own.append((picture.height, picture.width))
        pixels = np.asarray(_middle(picture), dtype=np.int16)
        spread.append(float(np.ptp(pixels, axis=2).mean()))
        if len(pixels) > 1:
            flat.append(float((pixels[1:] == pixels[:-1]).all(axis=2).mean()))
    return Looks(
        sizes=own if sizes is None else list(sizes),
        grey=max(spread) <= GREY_NOISE,
        photographs=bool(flat) and float(np.median(flat)) < FLAT_SHARE,
    )


def _middle(picture: Image.Image) -> Image.Image:
    """The middle of a picture in its own pixels, RGB."""
    width, height = picture.size
    left, top = max(width - LOOKED_AT, 0) // 2, max(height - LOOKED_AT, 0) // 2
    part = picture.crop((left, top, left + min(width, LOOKED_AT), top + min(height, LOOKED_AT)))
    return plain_image(part, channels=3)


def image_options(looks: Looks, num_rows: int | None = None) -> ImageOptions:
    """The size of the model's pictures, the stem that reads them, and how they are changed while training.

    - Small pictures (40 pixels or fewer on the longer side of the middle one) stay as large as they are; others get the area
      of 64 x 64 pixels. Pictures that are up to half as wide again as they are high, or the reverse, become squares.
    - A stem of 3 x 3 convolutions makes tokens of them, at most 5 a side: 4 x 4 of 28 x 28 and of 64 x 64 pixels. The
      first stage of large pictures halves their sides too.
    - Photographs in colour may be mirrored, and their colours change a little. Grey pictures and drawings may be characters,
      where left and right matter.
    - Pictures that are seen in fewer than 60 passes are shifted, turned, resized and coloured less, in proportion: what is
      seen a few times is not learned by heart, and changes only make it harder to learn.

    Args:
        looks: of some training pictures.
        num_rows: training pictures; None: few, which are seen often.
    """
    height, width = picture_size(looks.sizes)
    widths, first_pool = stem_of(height, width)
    longest_grid = -(-max(height, width) // (first_pool * 2 ** (len(widths) - 1)))
    colours = not looks.grey and looks.photographs
    options = ImageOptions(
        input_form="stem",
        image_height=height,
        image_width=width,
        image_channels=1 if looks.grey else 3,
        stem_widths=widths,
        stem_blocks=0,
        stem_first_pool=first_pool,
        num_fourier_bands=max(longest_grid // 2, 1),
        flip=0.5 if colours else 0.0,
    )
    share = share_of_changes(None if num_rows is None else image_learning(num_rows, options))
    return replace(
        options,
        shift=round(SHIFT * share, 3),
        rotation=round(ROTATION * share, 1),
        scale=round(SCALE * share, 3),
        jitter=round(JITTER * share, 3) if colours else 0.0,
    )


def stem_of(height: int, width: int) -> tuple[tuple[int, ...], Literal[1, 2]]:
    """Channels of the stages that make tokens of pictures of this size, and pool of the first one; see `image_options`."""
    longer = max(height, width)
    is_small = longer <= LARGEST_SMALL_SIDE
    first_pool: Literal[1, 2] = 1 if is_small else 2
    stages = 2
    while stages < len(WIDTHS) and -(-longer // (first_pool * 2 ** (stages - 1))) > MOST_TOKENS_A_SIDE:
        stages += 1
    return WIDTHS[:stages] if is_small else (FIRST_OF_LARGE, *WIDTHS[1:stages]), first_pool


def picture_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Height and width of the model's pictures, from heights and widths of some pictures; see `image_options`."""
    longer = float(np.median([max(size) for size in sizes]))
    aspect = float(np.exp(np.median([math.log(width / height) for height, width in sizes])))
    aspect = min(max(aspect, 1 / LARGEST_ASPECT), LARGEST_ASPECT)
    if 1 / SQUARE_UP_TO <= aspect <= SQUARE_UP_TO:
        aspect = 1.0
    if longer <= LARGEST_SMALL_SIDE:
        height, width = longer * min(1.0, 1 / aspect), longer * min(1.0, aspect)
    else:
        height = SIDE_OF_PHOTOGRAPHS / math.sqrt(aspect)
        width = height * aspect
    return max(round(height), SMALLEST_SIDE), max(round(width), SMALLEST_SIDE)


def image_learning(num_rows: int, options: ImageOptions) -> Advice:
    """The network and the loop for so many training pictures, see `perceivers.kinds.passes.stem_learning`.

    Photographs, which may be mirrored, are mixed with one another too, where they are passed over 30 times or more.

    Args:
        num_rows: training pictures.
        options: what the model sees of them; only a stem has advice.
    """
    if options.input_form != "stem":
        return Advice()
    from perceivers.nn.stems import num_multiplications

    values = options.form_values()
    cost = num_multiplications(
        (options.image_height, options.image_width),
        options.image_channels,
        values["stem_widths"],
        (values["stem_first_pool"], values["stem_first_pool"]),
        values["stem_blocks"],
    )
    advice = stem_learning(num_rows, cost)
    if options.flip and (advice.epochs or 0) >= FEWEST_PASSES_MIXED:
        return replace(advice, mixup=MIXUP, cutmix=CUTMIX)
    return advice
