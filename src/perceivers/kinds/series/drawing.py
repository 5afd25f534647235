"""One picture of classified series: each channel over time, with the probabilities of the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.tasks.base import Prediction
from perceivers.tasks.cards import INK, PALE, Layout, draw_cards, draw_ranking, title_card

MOST_SHOWN = 16
LAYOUT = Layout(
    most=MOST_SHOWN, columns=2, width=6.4, height=1.9, parts=(1.9, 1.0), kind="series", parts_gap=0.06, cards_gap=0.55,
    left=0.045,
)  # fmt: skip
# More lines than this cannot be told apart: channels become rows of colours.
MOST_LINES = 5
# Standard deviations from the mean at which the colours end.
COLOUR_RANGE = 2.5


def draw_series(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 16 predictions as cards: the series as lines, or as colours where it has many channels; likeliest classes.

    Args:
        predictions: `values` with `label` and `probabilities` (name to probability, falling); `shown` with `series`,
            normalised [num_steps, num_channels]; gaps (NaN) stay empty.
        path: picture to write.
    """
    many = any(prediction.shown["series"].shape[1] > MOST_LINES for prediction in predictions[:MOST_SHOWN])
    what = (
        "channels (blue: below the mean, red: above) over steps" if many else "normalised channels over steps"
    )
    draw_cards(predictions, path, LAYOUT, (what, "probability"), _draw_card)


def _draw_card(figure: Any, parts: Sequence[Any], prediction: Prediction) -> None:
    series = np.asarray(prediction.shown["series"])
    steps, channels = series.shape
    left, right = (figure.add_subplot(part) for part in parts)
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
    title_card(left, prediction, 44)
    draw_ranking(right, prediction)
