"""A picture of values with what was answered beside them: a card each, laid out in rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceivers.figures import new_figure, save_figure

INK, ACCENT, PALE = "#222222", "#d1495b", "#b8c4cc"


@dataclass(frozen=True)
class CardLayout:
    """How cards of one kind of data are laid out.

    Args:
        noun: what the values are, in the plural, as in "24 of 30 images".
        titles: what the parts of a value show, in order.
        most: cards drawn at most.
        columns: cards side by side.
        width: of a card, in inches.
        height: of a card, in inches.
        parts: relative widths of the parts of a value, from left to right.
        answer_part: relative width of what is answered.
        parts_gap: space between the parts, as a share of their mean width.
        cards_gap: space below a card, as a share of its height; titles and ticks need some.
        left: share of the picture left of the first card.
    """

    noun: str
    titles: tuple[str, ...]
    most: int
    columns: int
    width: float
    height: float
    parts: tuple[float, ...]
    answer_part: float = 1.0
    parts_gap: float = 0.12
    cards_gap: float = 0.45
    left: float = 0.02


def draw_cards(
    count: int,
    path: Path,
    layout: CardLayout,
    draw_value: Callable[[Any, Sequence[Any], int], None],
    draw_answer: Callable[[Any, int], None],
    answer_title: str = "probability",
) -> None:
    """Draw the first cards.

    Args:
        count: of all values, at least one.
        path: picture to write.
        layout: see CardLayout.
        draw_value: called with the figure, the places of the value's parts (matplotlib SubplotSpec) and the card's number.
        draw_answer: called with axes and the card's number.
        answer_title: what the last part shows.
    """
    shown = min(layout.most, count)
    columns = min(layout.columns, shown)
    rows = -(-shown // columns)
    height = layout.height * rows + 0.9
    figure = new_figure("The picture of predictions", (layout.width * columns, height))
    grid = figure.add_gridspec(
        rows, columns, left=layout.left, right=0.985, bottom=0.4 / height, top=1.0 - 0.85 / height, wspace=0.12,
        hspace=layout.cards_gap,
    )  # fmt: skip
    of_all = f"{shown} of {count} {layout.noun}" if shown < count else ""
    figure.suptitle(
        "  ·  ".join(filter(None, [*layout.titles, answer_title, of_all])),
        x=0.02, y=1.0 - 0.12 / height, ha="left", va="top", color=INK, fontsize=13,
        parse_math=False,
    )  # fmt: skip
    widths = [*layout.parts, layout.answer_part]
    for index in range(shown):
        cell = grid[index // columns, index % columns].subgridspec(
            1, len(widths), width_ratios=widths, wspace=layout.parts_gap
        )
        draw_value(figure, [cell[0, part] for part in range(len(layout.parts))], index)
        draw_answer(figure.add_subplot(cell[0, len(layout.parts)]), index)
    save_figure(figure, path, dpi=110)


def title_card(axes: Any, source: str, most_letters: int) -> None:
    """Write the last two parts of a value's path above a part of its card, letter by letter: nothing in it is a formula."""
    name = "/".join(Path(source).parts[-2:])[-most_letters:]
    axes.set_title(name, fontsize=9, color=INK, loc="left", pad=3, parse_math=False)
