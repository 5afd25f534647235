"""One picture of classified sets: the points, shaded by the attention of the answer, with the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perceivers.errors import MissingExtraError
from perceivers.tasks.base import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 24
COLUMNS = 4
INK, ACCENT, PALE = "#222222", "#d1495b", "#b8c4cc"
SHADES = "plasma_r"


def draw_points_with_answers(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 24 predictions as cards: the points, the likeliest classes.

    Args:
        predictions: `values` with `label`, `probability` and `probabilities` (name to probability, falling), `shown` with
            `points` [num_points, num_columns], `attention` [num_points], non-negative, and `num_coordinates`: of the first
            three coordinates a picture in perspective is drawn, of two one in the plane with y downwards. Points are as large
            as their first feature, where they have any.
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
    height = 2.2 * rows + 0.9
    figure = Figure(figsize=(4.0 * columns, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.02,
        right=0.985,
        bottom=0.3 / height,
        top=1.0 - 0.85 / height,
        wspace=0.12,
        hspace=0.35,
    )
    count = f"{len(shown)} of {len(predictions)} sets" if len(shown) < len(predictions) else ""
    figure.suptitle(
        "  ·  ".join(filter(None, ["points, darker where the answer looked", "probability", count])),
        x=0.02, ha="left", color=INK, fontsize=13,
    )  # fmt: skip
    for index, prediction in enumerate(shown):
        cell = grid[index // columns, index % columns].subgridspec(1, 2, width_ratios=[1, 1], wspace=0.08)
        _draw_set(figure, cell[0, 0], prediction)
        _draw_answer(figure.add_subplot(cell[0, 1]), prediction)
    figure.savefig(path, dpi=110)


def _draw_set(figure: Figure, cell: Any, prediction: Prediction) -> None:
    points = np.asarray(prediction.shown["points"])
    attention = np.asarray(prediction.shown["attention"])
    dimensions = min(int(prediction.shown["num_coordinates"]), 3)
    # Ranks, since a few points often have most of the weight; the heaviest are drawn last, on top.
    order = np.argsort(attention, kind="stable")
    shades = np.linspace(0.0, 1.0, len(points))
    sizes = float(np.clip(1_500.0 / len(points), 1.5, 40.0)) * _shares_of_feature(points, prediction)[order]
    axes: Any = figure.add_subplot(cell, projection="3d" if dimensions == 3 else None)
    if dimensions == 3:
        axes.scatter(*points[order, :3].T, c=shades, cmap=SHADES, s=sizes, depthshade=False, linewidths=0)
        axes.set_box_aspect((1, 1, 1))
        axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    else:
        heights = points[order, 1] if dimensions == 2 else np.zeros(len(points))
        axes.scatter(points[order, 0], heights, c=shades, cmap=SHADES, s=sizes, linewidths=0)
        axes.set_aspect("equal", adjustable="datalim")
        axes.invert_yaxis()
    axes.set_axis_off()
    source = Path(prediction.source)
    axes.set_title(f"{source.parent.name}/{source.name}"[-30:], fontsize=9, color=INK, pad=3)


def _shares_of_feature(points: np.ndarray, prediction: Prediction) -> np.ndarray:
    """Area of each point as a share of the largest, from the first feature; [num_points]."""
    features = points[:, int(prediction.shown["num_coordinates"]) :]
    if not features.shape[1]:
        return np.ones(len(points))
    first = features[:, 0] - min(float(features[:, 0].min()), 0.0)
    return 0.1 + 0.9 * first / (float(first.max()) or 1.0)


def _draw_answer(axes: Any, prediction: Prediction) -> None:
    ranked = list(prediction.values["probabilities"].items())
    # What would read 0.00 is left out.
    drawn = ranked[:1] + [(name, value) for name, value in ranked[1:] if value >= 0.005]
    colours = [ACCENT, *[PALE] * (len(drawn) - 1)]
    axes.barh(range(len(drawn)), [value for _, value in drawn], color=colours, height=0.7)
    for position, (name, value) in enumerate(drawn):
        axes.text(value + 0.03, position, f"{name[:14]}  {value:.2f}", va="center", fontsize=9, color=INK)
    axes.set(xlim=(0.0, 1.6), ylim=(max(len(ranked), 3) - 0.4, -0.6))
    axes.set_axis_off()
