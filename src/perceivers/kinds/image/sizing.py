"""How the pictures of mixed tables are read, from the sizes that they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from perceivers.kinds.image.options import ImageOptions

# Pixels are tokens of their own up to this side; larger pictures go through a convolutional stem, up to its own side.
MOST_PIXELS, LARGEST_SIDE = 16, 64
FEWEST_PIXELS = 8


def image_options(sizes: Sequence[tuple[int, int]], *, grey: bool) -> ImageOptions:
    """A square of about the pictures' own longer side: its pixels where they are few, else a quarter of its rows and columns.

    Args:
        sizes: height and width of some pictures, in pixels; at least one.
        grey: whether none of them has colours.
    """
    longest = sorted(max(size) for size in sizes)[len(sizes) // 2]
    channels: Literal[1, 3] = 1 if grey else 3
    if longest <= MOST_PIXELS:
        side = max(longest, FEWEST_PIXELS)
        return ImageOptions(
            input_form="fourier",
            image_height=side,
            image_width=side,
            image_channels=channels,
            num_fourier_bands=side // 2,
        )
    # A stem divides sides by 4.
    side = min(-(-longest // 4) * 4, LARGEST_SIDE)
    return ImageOptions(
        input_form="conv",
        stem_padding="same",
        image_height=side,
        image_width=side,
        image_channels=channels,
        num_fourier_bands=side // 8,
    )
