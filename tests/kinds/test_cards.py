"""Values and answers laid out as cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.figures import new_figure
from perceivers.kinds.cards import CardLayout, draw_cards, title_card

LAYOUT = CardLayout(
    noun="things", titles=("this", "that"), most=3, columns=2, width=4.0, height=1.5, parts=(1.0, 2.0)
)


def drawn(tmp_path: Path, count: int, answer_title: str = "probability") -> tuple[np.ndarray, list[int]]:
    cards: list[int] = []

    def draw_value(figure: Any, places: Sequence[Any], index: int) -> None:
        assert len(places) == len(LAYOUT.parts)
        cards.append(index)

    def draw_answer(axes: Any, index: int) -> None:
        assert index == cards[-1]
        axes.set_axis_off()

    draw_cards(count, tmp_path / "x.png", LAYOUT, draw_value, draw_answer, answer_title)
    with Image.open(tmp_path / "x.png") as picture:
        return np.asarray(picture.convert("L")), cards


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (7, 2, 2)])
def test_the_picture_is_as_large_as_its_cards(tmp_path: Path, count: int, columns: int, rows: int) -> None:
    picture, cards = drawn(tmp_path, count)
    # 110 dots an inch; cards of 4 x 1.5 inches below a heading of 0.9.
    assert picture.shape == (round(110 * (1.5 * rows + 0.9)), 440 * columns)
    assert cards == list(range(min(count, 3)))


def test_the_heading_counts_what_is_not_drawn_and_names_the_answer(tmp_path: Path) -> None:
    heading = {count: (drawn(tmp_path, count)[0][:60] < 128).sum() for count in (3, 4)}
    assert heading[4] > heading[3], "the heading says 3 of 4 things"
    assert (drawn(tmp_path, 3, "")[0][:60] < 128).sum() < heading[3]


def test_a_card_is_called_as_the_end_of_its_path() -> None:
    axes = new_figure("x", (3.0, 3.0)).add_subplot()
    title_card(axes, "far/away/thing.png", 13)
    assert axes.get_title(loc="left") == "way/thing.png"


def test_nothing_in_a_name_is_a_formula(tmp_path: Path) -> None:
    figure = new_figure("x", (3.0, 3.0))
    title_card(figure.add_subplot(), "a/$\\frac{$.png", 30)
    figure.savefig(tmp_path / "x.png")
