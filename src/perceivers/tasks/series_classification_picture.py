"""One picture of classified series: each channel over time, with the probabilities of the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perceivers.errors import MissingExtraError
from perceivers.tasks.base import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 16
COLUMNS = 2
CARD_HEIGHT, HEAD = 1.9, 0.7
# More lines than this cannot be told apart: channels become rows of colours.
MOST_LINES = 5
# Standard deviations from the mean at which the colours end.
COLOUR_RANGE = 2.5
INK, ACCENT, PALE = "#222222", "#d1495b", "#b8c4cc"


def draw_series(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 16 predictions as cards: the series as lines, or as colours where it has many channels; likeliest classes.

    Args:
        predictions: `values` with `label` and `probabilities` (name to probability, falling); `shown` with `series`,
            normalised [num_steps, num_channels]; gaps (NaN) stay empty.
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
    height = CARD_HEIGHT * rows + HEAD
    figure = Figure(figsize=(6.4 * columns, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows, columns, left=0.045, right=0.985, bottom=0.4 / height, top=1.0 - (HEAD + 0.25) / height, wspace=0.14,
        hspace=0.55,
    )  # fmt: skip
    many = max(prediction.shown["series"].shape[1] for prediction in shown) > MOST_LINES
    what = (
        "channels (blue: below the mean, red: above) over steps" if many else "normalised channels over steps"
    )
    count = f"{len(shown)} of {len(predictions)} series" if len(shown) < len(predictions) else ""
    figure.suptitle(
        "  ·  ".join(filter(None, [what, "probability", count])),
        x=0.02, y=1.0 - 0.12 / height, ha="left", va="top", color=INK, fontsize=13,
    )  # fmt: skip
    for index, prediction in enumerate(shown):
        cell = grid[index // columns, index % columns].subgridspec(1, 2, width_ratios=[1.9, 1.0], wspace=0.06)
        _draw_card(figure, cell, prediction)
    figure.savefig(path, dpi=110)


def _draw_card(figure: Figure, cell: Any, prediction: Prediction) -> None:
    series = np.asarray(prediction.shown["series"])
    steps, channels = series.shape
    left, right = (figure.add_subplot(cell[0, index]) for index in range(2))
    if channels > MOST_LINES:
        left.imshow(
            series.T, aspect="auto", cmap="RdBu_r", vmin=-COLOUR_RANGE, vmax=COLOUR_RANGE, interpolation="nearest",
            extent=(0.5, steps + 0.5, channels + 0.5, 0.5),
        )  # fmt: skip
        left.set_yticks([1, channels])
    else:
        left.plot(np.arange(1, steps + 1), series, linewidth=1.2)
        left.axhline(0.0, color=PALE, linewidth=0.8, zorder=0)
        left.set_xlim(1, max(steps, 2))
    left.tick_params(labelsize=7, colors=INK, length=2)
    for side in ("top", "right"):
        left.spines[side].set_visible(False)
    left.set_title(_short(prediction.source), fontsize=9, color=INK, loc="left", pad=3)
    ranked = list(prediction.values["probabilities"].items())
    for position, (name, value) in enumerate(ranked):
        right.barh(position, value, color=ACCENT if position == 0 else PALE, height=0.62)
        right.text(value + 0.03, position, f"{name[:18]}  {value:.2f}", va="center", fontsize=9, color=INK)
    right.set(xlim=(0.0, 1.7), ylim=(max(len(ranked), 3) - 0.4, -0.6))
    right.set_axis_off()


def _short(source: str) -> str:
    """The last two parts of a path."""
    return "/".join(Path(source).parts[-2:])[-44:]
