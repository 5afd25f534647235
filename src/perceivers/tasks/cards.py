"""A picture of predictions as cards, one an input: what it is, and the likeliest answers beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceivers.figures import new_figure
from perceivers.tasks.base import Prediction

INK, ACCENT, PALE = "#222222", "#d1495b", "#b8c4cc"


@dataclass(frozen=True)
class Layout:
    """How cards are laid out.

    Args:
        most: cards drawn at most.
        columns: cards side by side.
        width: of a card, in inches.
        height: of a card, in inches.
        parts: relative widths of the parts of a card, from left to right.
        kind: what the inputs are, in the plural, as in "24 of 30 images".
        parts_gap: space between the parts, as a share of their mean width.
        cards_gap: space below a card, as a share of its height; titles and ticks need some.
        left: share of the picture left of the first card.
    """

    most: int
    columns: int
    width: float
    height: float
    parts: Sequence[float]
    kind: str
    parts_gap: float = 0.12
    cards_gap: float = 0.45
    left: float = 0.02


def draw_cards(
    predictions: Sequence[Prediction],
    path: Path,
    layout: Layout,
    titles: Sequence[str],
    draw_card: Callable[[Any, Sequence[Any], Prediction], None],
) -> None:
    """Draw the first predictions as cards.

    Args:
        predictions: at least one.
        path: picture to write.
        layout: see Layout.
        titles: what the parts of a card show, in order.
        draw_card: called with the figure, the places of the card's parts (matplotlib SubplotSpec) and the prediction.
    """
    shown = predictions[: layout.most]
    columns = min(layout.columns, len(shown))
    rows = -(-len(shown) // columns)
    height = layout.height * rows + 0.9
    figure = new_figure("The picture of predictions", (layout.width * columns, height))
    grid = figure.add_gridspec(
        rows, columns, left=layout.left, right=0.985, bottom=0.4 / height, top=1.0 - 0.85 / height, wspace=0.12,
        hspace=layout.cards_gap,
    )  # fmt: skip
    count = f"{len(shown)} of {len(predictions)} {layout.kind}" if len(shown) < len(predictions) else ""
    figure.suptitle(
        "  ·  ".join(filter(None, [*titles, count])),
        x=0.02, y=1.0 - 0.12 / height, ha="left", va="top", color=INK, fontsize=13,
    )  # fmt: skip
    for index, prediction in enumerate(shown):
        cell = grid[index // columns, index % columns].subgridspec(
            1, len(layout.parts), width_ratios=list(layout.parts), wspace=layout.parts_gap
        )
        draw_card(figure, [cell[0, part] for part in range(len(layout.parts))], prediction)
    figure.savefig(path, dpi=110)


def draw_ranking(axes: Any, prediction: Prediction) -> None:
    """Draw the likeliest classes with their probabilities as bars; the classes that were answered stand out.

    Args:
        axes: where to.
        prediction: `values` with `label` (several joined by ", ") and `probabilities`, name to probability, falling.
    """
    ranked = list(prediction.values["probabilities"].items())
    answers = set(str(prediction.values["label"]).split(", "))
    # What would read 0.00 is left out.
    drawn = ranked[:1] + [(name, value) for name, value in ranked[1:] if value >= 0.005]
    for position, (name, value) in enumerate(drawn):
        axes.barh(position, value, color=ACCENT if name in answers else PALE, height=0.66)
        axes.text(value + 0.03, position, f"{name[:18]}  {value:.2f}", va="center", fontsize=9, color=INK)
    axes.set(xlim=(0.0, 1.7), ylim=(max(len(ranked), 3) - 0.4, -0.6))
    axes.set_axis_off()


def title_card(axes: Any, prediction: Prediction, most_letters: int) -> None:
    """Write the last two parts of the input's path above a part of the card."""
    name = "/".join(Path(prediction.source).parts[-2:])[-most_letters:]
    axes.set_title(name, fontsize=9, color=INK, loc="left", pad=3)
