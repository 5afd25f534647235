"""A picture beside the pixels that an answer attended to: as a card's panels, and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from perceivers.kinds.cards import ACCENT, CardLayout, title_card
from perceivers.kinds.inline import inline_picture

LAYOUT = CardLayout(
    noun="images",
    titles=("image", "attention of the answer over its pixels"),
    most=24,
    columns=4,
    width=4.6,
    height=1.75,
    parts=(1.0, 1.0),
    answer_part=1.25,
    cards_gap=0.42,
)
# Pictures are drawn about so large; larger ones are not kept.
LONGEST_SIDE = 320
# How much of the accent's colour the most attended place gets.
OPACITY = 0.75


@dataclass(frozen=True)
class ShownPicture:
    """What is drawn of a picture.

    Args:
        image: the part that the model saw.
        attention: of the answer over the grid of tokens [rows, columns], non-negative.
    """

    image: Image.Image
    attention: np.ndarray


def small(image: Image.Image) -> Image.Image:
    """The picture, its longer side at most 320 pixels."""
    share = LONGEST_SIDE / max(image.size)
    if share >= 1.0:
        return image
    width, height = (max(1, round(side * share)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def draw_picture(figure: Any, places: Sequence[Any], shown: ShownPicture | None, source: str) -> None:
    """Draw a picture into the first place, and the attention over it into the second."""
    left, right = (figure.add_subplot(place) for place in places)
    title_card(left, source, 22)
    for panel in (left, right):
        panel.set_axis_off()
    if shown is None:
        return
    left.imshow(np.asarray(shown.image.convert("RGB")), interpolation="nearest")
    grey = np.asarray(shown.image.convert("L"))
    height, width = grey.shape
    right.imshow(grey, cmap="gray", interpolation="nearest", vmin=0, vmax=255)
    right.imshow(
        shown.attention, cmap="inferno", alpha=OPACITY, interpolation="bilinear", vmin=0.0,
        vmax=float(shown.attention.max()) or 1.0, extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )  # fmt: skip


def picture_html(shown: ShownPicture | None, name: str) -> str:
    """A picture and the attention over it as two inline PNG files."""
    if shown is None:
        return ""
    images = (shown.image.convert("RGB"), attended(shown))
    titles = (name, f"attention over {name}")
    return "<p>" + " ".join(map(inline_picture, images, titles)) + "</p>"


def attended(shown: ShownPicture) -> Image.Image:
    """The picture in grey, towards the accent's colour where the answer looked."""
    grey = shown.image.convert("L").convert("RGB")
    shares = shown.attention / (float(shown.attention.max()) or 1.0)
    weights = Image.fromarray((255.0 * OPACITY * shares).round().astype(np.uint8))
    return Image.composite(
        Image.new("RGB", grey.size, ACCENT), grey, weights.resize(grey.size, Image.Resampling.BILINEAR)
    )
