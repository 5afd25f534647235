"""A series drawn: its channels over time, as lines, or as rows of colours where it has many."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from perceivers.data.evenly import spread_indices
from perceivers.kinds.cards import INK, PALE, CardLayout, title_card

LAYOUT = CardLayout(
    noun="series", titles=("normalised channels over steps (of many: blue below the mean, red above)",), most=16,
    columns=2, width=6.4, height=1.9, parts=(1.9,), parts_gap=0.06, cards_gap=0.55, left=0.045,
)  # fmt: skip
# More lines than this cannot be told apart: channels become rows of colours.
MOST_LINES = 5
# Standard deviations from the mean at which the colours, and the lines of a page, end.
COLOUR_RANGE, LINE_RANGE = 2.5, 3.0
# Points of a line on a page.
MOST_POINTS, WIDTH, HEIGHT = 200, 240, 48


def draw_series(figure: Any, places: Sequence[Any], shown: np.ndarray | None, source: str) -> None:
    """Draw a normalised series [num_steps, num_channels]; gaps (NaN) stay empty."""
    axes = figure.add_subplot(places[0])
    title_card(axes, source, 44)
    if shown is None:
        axes.set_axis_off()
        return
    steps, channels = shown.shape
    if channels > MOST_LINES:
        axes.imshow(
            shown.T, aspect="auto", cmap="RdBu_r", vmin=-COLOUR_RANGE, vmax=COLOUR_RANGE, interpolation="nearest",
            extent=(0.5, steps + 0.5, channels + 0.5, 0.5),
        )  # fmt: skip
        axes.set_yticks([1, channels])
    else:
        axes.plot(np.arange(1, steps + 1), shown, linewidth=1.2)
        axes.axhline(0.0, color=PALE, linewidth=0.8, zorder=0)
        axes.set_xlim(1, max(steps, 2))
    axes.tick_params(labelsize=7, colors=INK, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def series_html(shown: np.ndarray | None, name: str) -> str:
    """The first channels of a normalised series [num_steps, num_channels] as lines, inline."""
    if shown is None:
        return ""
    title = escape(name, quote=True)
    return (
        f'<p><svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}" fill="none" '
        f'stroke="currentColor"><title>{title}</title>{_lines(shown)}</svg></p>'
    )


def series_file(shown: np.ndarray) -> bytes:
    """The same as the content of an SVG file, its lines in a grey that is seen on white and on black."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" fill="none" stroke="#888">'
        f"{_lines(shown)}</svg>"
    ).encode()


def _lines(shown: np.ndarray) -> str:
    picked = spread_indices(len(shown), MOST_POINTS)
    return "".join(_line(shown[picked, channel]) for channel in range(min(shown.shape[1], MOST_LINES)))


def _line(values: np.ndarray) -> str:
    """One channel; missing values are left out."""
    known = ~np.isnan(values)
    across = np.linspace(0.0, WIDTH, len(values))[known]
    heights = HEIGHT / 2 * (1.0 - np.clip(values[known] / LINE_RANGE, -1.0, 1.0))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))
    return f'<polyline points="{points}"/>'
