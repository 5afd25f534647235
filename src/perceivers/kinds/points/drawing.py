"""One picture of classified sets: the points, shaded by the attention of the answer, with the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.tasks.base import Prediction
from perceivers.tasks.cards import Layout, draw_cards, draw_ranking, title_card

MOST_SHOWN = 24
LAYOUT = Layout(
    most=MOST_SHOWN,
    columns=4,
    width=4.0,
    height=2.2,
    parts=(1.0, 1.0),
    kind="sets",
    parts_gap=0.08,
    cards_gap=0.35,
)
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
    titles = ("points, darker where the answer looked", "probability")
    draw_cards(predictions, path, LAYOUT, titles, _draw_card)


def _draw_card(figure: Any, parts: Sequence[Any], prediction: Prediction) -> None:
    _draw_set(figure, parts[0], prediction)
    draw_ranking(figure.add_subplot(parts[1]), prediction)


def _draw_set(figure: Any, cell: Any, prediction: Prediction) -> None:
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
    title_card(axes, prediction, 30)


def _shares_of_feature(points: np.ndarray, prediction: Prediction) -> np.ndarray:
    """Area of each point as a share of the largest, from the first feature; [num_points]."""
    features = points[:, int(prediction.shown["num_coordinates"]) :]
    if not features.shape[1]:
        return np.ones(len(points))
    first = features[:, 0] - min(float(features[:, 0].min()), 0.0)
    return 0.1 + 0.9 * first / (float(first.max()) or 1.0)
