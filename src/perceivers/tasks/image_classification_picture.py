"""One picture of classified images: each with its probabilities and the pixels that the answer attended to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perceivers.errors import MissingExtraError
from perceivers.tasks.base import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 24
COLUMNS = 4
INK, ACCENT, PALE = "#222222", "#d1495b", "#b8c4cc"


def draw_predictions(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 24 predictions as cards: the image, the image under its attention, the likeliest classes.

    Args:
        predictions: `values` with `label`, `probability` and `probabilities` (name to probability, falling), `shown`
            with `image` (PIL) and `attention` [height, width], non-negative.
        path: picture to write.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", "The picture of predictions") from error
    shown = predictions[:MOST_SHOWN]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(4.6 * columns, 1.75 * rows + 0.9), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows, columns, left=0.02, right=0.985, bottom=0.35 / (1.75 * rows + 0.9), wspace=0.12, hspace=0.42,
        top=1.0 - 0.85 / (1.75 * rows + 0.9),
    )  # fmt: skip
    count = f"{len(shown)} of {len(predictions)} images" if len(shown) < len(predictions) else ""
    figure.suptitle(
        "  ·  ".join(filter(None, ["image", "attention of the answer over its pixels", "probability", count])),
        x=0.02, ha="left", color=INK, fontsize=13,
    )  # fmt: skip
    for index, prediction in enumerate(shown):
        cell = grid[index // columns, index % columns].subgridspec(
            1, 3, width_ratios=[1, 1, 1.25], wspace=0.12
        )
        _draw_card(figure, cell, prediction)
    figure.savefig(path, dpi=110)


def _draw_card(figure: Figure, cell: object, prediction: Prediction) -> None:
    image, attention = prediction.shown["image"], np.asarray(prediction.shown["attention"])
    pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    left, middle, right = (figure.add_subplot(cell[0, index]) for index in range(3))  # type: ignore[index]
    left.imshow(pixels, interpolation="nearest")
    source = Path(prediction.source)
    left.set_title(f"{source.parent.name}/{source.name}"[-22:], fontsize=9, color=INK, loc="left", pad=3)
    grey = np.asarray(image.convert("L"))
    middle.imshow(grey, cmap="gray", interpolation="nearest", vmin=0, vmax=255)
    middle.imshow(
        attention, cmap="inferno", alpha=0.75, interpolation="bilinear", vmin=0.0, vmax=float(attention.max()) or 1.0,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )  # fmt: skip
    for panel in (left, middle):
        panel.set_axis_off()
    ranked = list(prediction.values["probabilities"].items())
    # What would read 0.00 is left out.
    drawn = ranked[:1] + [(name, value) for name, value in ranked[1:] if value >= 0.005]
    names, values = [name for name, _ in drawn], [value for _, value in drawn]
    positions = np.arange(len(drawn))
    right.barh(positions, values, color=[ACCENT, *[PALE] * (len(drawn) - 1)], height=0.7)
    for position, name, value in zip(positions, names, values, strict=True):
        right.text(
            value + 0.03, float(position), f"{name[:14]}  {value:.2f}", va="center", fontsize=9, color=INK
        )
    right.set(xlim=(0.0, 1.5), ylim=(len(ranked) - 0.4, -0.6))
    right.set_axis_off()
