"""Predictions laid out as cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.figures import new_figure
from perceivers.tasks.base import Prediction
from perceivers.tasks.cards import ACCENT, Layout, draw_cards, draw_ranking, title_card

LAYOUT = Layout(most=3, columns=2, width=4.0, height=1.5, parts=(1.0, 2.0), kind="things")


def prediction(label: str = "a", **probabilities: float) -> Prediction:
    return Prediction(
        "far/away/thing.png", {"label": label, "probabilities": probabilities or {"a": 1.0}}, {}
    )


def drawn(tmp_path: Path, count: int, layout: Layout = LAYOUT) -> tuple[np.ndarray, list[Prediction]]:
    cards: list[Prediction] = []

    def draw_card(figure: Any, parts: Sequence[Any], card: Prediction) -> None:
        assert len(parts) == len(layout.parts)
        cards.append(card)
        draw_ranking(figure.add_subplot(parts[-1]), card)

    draw_cards([prediction() for _ in range(count)], tmp_path / "x.png", layout, ("this", "that"), draw_card)
    with Image.open(tmp_path / "x.png") as picture:
        return np.asarray(picture.convert("L")), cards


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (7, 2, 2)])
def test_the_picture_is_as_large_as_its_cards(tmp_path: Path, count: int, columns: int, rows: int) -> None:
    picture, cards = drawn(tmp_path, count)
    # 110 dots an inch; cards of 4 x 1.5 inches below a heading of 0.9.
    assert picture.shape == (round(110 * (1.5 * rows + 0.9)), 440 * columns)
    assert len(cards) == min(count, 3)


def test_what_is_not_drawn_is_counted_in_the_heading(tmp_path: Path) -> None:
    heading = {count: (drawn(tmp_path, count)[0][:60] < 128).sum() for count in (3, 4)}
    assert heading[4] > heading[3], "the heading says 3 of 4 things"


def test_the_answers_of_a_ranking_stand_out_and_what_would_read_zero_is_left_out() -> None:
    axes = new_figure("x", (3.0, 3.0)).add_subplot()
    draw_ranking(axes, prediction("b, a", b=0.9, c=0.7, a=0.6, d=0.004))
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert [text.get_text() for text in axes.texts] == ["b  0.90", "c  0.70", "a  0.60"]
    assert colours[0] == colours[2] != colours[1]
    assert ACCENT == "#d1495b"


def test_a_card_is_called_as_the_end_of_its_path() -> None:
    axes = new_figure("x", (3.0, 3.0)).add_subplot()
    title_card(axes, prediction(), 13)
    assert axes.get_title(loc="left") == "way/thing.png"
