"""Answers drawn beside what they are about."""

from __future__ import annotations

from typing import Any

from perceivers.answers.drawing import draw_answer, draw_ranking
from perceivers.figures import new_figure


def axes() -> Any:
    return new_figure("x", (3.0, 3.0)).add_subplot()


def words(drawn: Any) -> list[str]:
    return [text.get_text() for text in drawn.texts]


def test_the_answers_of_a_ranking_stand_out_and_what_would_read_zero_is_left_out() -> None:
    drawn = axes()
    draw_ranking(drawn, {"label": "b, a", "probabilities": {"b": 0.9, "c": 0.7, "a": 0.6, "d": 0.004}})
    colours = [bar.get_facecolor() for bar in drawn.patches]
    assert words(drawn) == ["b  0.90", "c  0.70", "a  0.60"]
    assert colours[0] == colours[2] != colours[1]


def test_a_number_is_written_with_its_interval() -> None:
    drawn = axes()
    draw_answer(drawn, {"number": 3.14159})
    assert words(drawn) == ["3.142"]
    drawn = axes()
    draw_answer(drawn, {"number": 3.0, "low": 2.0, "high": 5.5})
    assert words(drawn) == ["3\n2 to 5.5"]


def test_classes_are_a_ranking() -> None:
    drawn = axes()
    draw_answer(drawn, {"label": "a", "probabilities": {"a": 1.0}})
    assert words(drawn) == ["a  1.00"]
