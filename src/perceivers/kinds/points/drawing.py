"""A set of points, shaded by the attention of an answer: as a card's panel, and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from perceivers.kinds.cards import CardLayout, title_card
from perceivers.kinds.inline import inline_picture

LAYOUT = CardLayout(
    noun="sets",
    titles=("points, darker where the answer looked",),
    most=24,
    columns=4,
    width=4.0,
    height=2.2,
    parts=(1.0,),
    parts_gap=0.08,
    cards_gap=0.35,
)
SHADES = "plasma_r"
# Pictures of HTML: their side in pixels, and the colours of the points that were looked at least and most.
SIDE, PALE, DARK = 180, (214, 220, 224), (140, 10, 40)
# Where x, y and z go in a picture of three coordinates: to the right and down, seen from above.
AXES = np.array([[0.87, -0.87, 0.0], [0.5, 0.5, -1.0]]) / 1.5


@dataclass(frozen=True)
class ShownPoints:
    """What is drawn of a set.

    Args:
        points: as the model saw them [num_points, num_columns], coordinates first.
        attention: of the answer over them [num_points], non-negative.
        num_coordinates: the first three are drawn in perspective, two in the plane with y downwards. Points are as large as
            their first feature, where they have any.
    """

    points: np.ndarray
    attention: np.ndarray
    num_coordinates: int

    @property
    def order(self) -> np.ndarray:
        """Ranks, since a few points often have most of the weight; the heaviest are drawn last, on top."""
        return np.argsort(self.attention, kind="stable")

    @property
    def areas(self) -> np.ndarray:
        """Area of each point as a share of the largest, from the first feature; [num_points]."""
        features = self.points[:, self.num_coordinates :]
        if not features.shape[1]:
            return np.ones(len(self.points))
        first = features[:, 0] - min(float(features[:, 0].min()), 0.0)
        return 0.1 + 0.9 * first / (float(first.max()) or 1.0)


def draw_set(figure: Any, place: Any, shown: ShownPoints | None, source: str) -> None:
    """Draw a set into one place of a figure; an absent one leaves it empty."""
    dimensions = 2 if shown is None else min(shown.num_coordinates, 3)
    axes: Any = figure.add_subplot(place, projection="3d" if dimensions == 3 else None)
    axes.set_axis_off()
    title_card(axes, source, 30)
    if shown is None:
        return
    points, order = shown.points, shown.order
    shades = np.linspace(0.0, 1.0, len(points))
    sizes = float(np.clip(1_500.0 / len(points), 1.5, 40.0)) * shown.areas[order]
    if dimensions == 3:
        axes.scatter(*points[order, :3].T, c=shades, cmap=SHADES, s=sizes, depthshade=False, linewidths=0)
        axes.set_box_aspect((1, 1, 1))
        axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
        return
    heights = points[order, 1] if dimensions == 2 else np.zeros(len(points))
    axes.scatter(points[order, 0], heights, c=shades, cmap=SHADES, s=sizes, linewidths=0)
    axes.set_aspect("equal", adjustable="datalim")
    axes.invert_yaxis()


def set_html(shown: ShownPoints | None, name: str) -> str:
    """A set as an inline PNG file."""
    return "" if shown is None else f"<p>{inline_picture(picture_of(shown), name)}</p>"


def picture_of(shown: ShownPoints) -> Image.Image:
    """The set in parallel perspective, its points darker where the answer looked."""
    dimensions = min(shown.num_coordinates, 3)
    places = np.zeros((len(shown.points), 2))
    if dimensions == 3:
        places = shown.points[:, :3] @ AXES.T
    else:
        places[:, :dimensions] = shown.points[:, :dimensions]
    farthest = float(np.abs(places).max()) or 1.0
    places = (0.5 + 0.46 * places / farthest) * SIDE
    radii = np.sqrt(shown.areas) * float(np.clip(30.0 / np.sqrt(len(places)), 0.8, 4.0))
    image = Image.new("RGB", (SIDE, SIDE), "white")
    canvas = ImageDraw.Draw(image)
    for rank, point in enumerate(shown.order):
        share = rank / max(len(places) - 1, 1)
        colour = tuple(round(pale + share * (dark - pale)) for pale, dark in zip(PALE, DARK, strict=True))
        (x, y), radius = places[point], radii[point]
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image
