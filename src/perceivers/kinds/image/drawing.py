"""One picture of classified images: each with its probabilities and the pixels that the answer attended to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.tasks.base import Prediction
from perceivers.tasks.cards import Layout, draw_cards, draw_ranking, title_card

MOST_SHOWN = 24
LAYOUT = Layout(
    most=MOST_SHOWN, columns=4, width=4.6, height=1.75, parts=(1.0, 1.0, 1.25), kind="images", cards_gap=0.42
)


def draw_predictions(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 24 predictions as cards: the image, the image under its attention, the likeliest classes.

    Args:
        predictions: `values` with `label`, `probability` and `probabilities` (name to probability, falling), `shown`
            with `image` (PIL) and `attention` [height, width], non-negative.
        path: picture to write.
    """
    titles = ("image", "attention of the answer over its pixels", "probability")
    draw_cards(predictions, path, LAYOUT, titles, _draw_card)


def _draw_card(figure: Any, parts: Sequence[Any], prediction: Prediction) -> None:
    image, attention = prediction.shown["image"], np.asarray(prediction.shown["attention"])
    pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    left, middle, right = (figure.add_subplot(part) for part in parts)
    left.imshow(pixels, interpolation="nearest")
    title_card(left, prediction, 22)
    grey = np.asarray(image.convert("L"))
    middle.imshow(grey, cmap="gray", interpolation="nearest", vmin=0, vmax=255)
    middle.imshow(
        attention, cmap="inferno", alpha=0.75, interpolation="bilinear", vmin=0.0, vmax=float(attention.max()) or 1.0,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )  # fmt: skip
    for panel in (left, middle):
        panel.set_axis_off()
    draw_ranking(right, prediction)
