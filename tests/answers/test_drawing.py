"""Answers drawn beside what they are about."""

from __future__ import annotations

from typing import Any

import pytest

from perceivers.answers.base import Answer
from perceivers.answers.drawing import draw_ranking, shown_names
from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
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
    Number("price").draw(drawn, {"number": 3.14159})
    assert words(drawn) == ["3.142"]
    drawn = axes()
    Number("price").draw(drawn, {"number": 3.0, "low": 2.0, "high": 5.5})
    assert words(drawn) == ["3\n2 to 5.5"]
    assert Number("price").html({"number": 3.0, "low": 2.0, "high": 5.5}) == (
        '<span class="answer">3</span> (2 to 5.5)'
    )


@pytest.mark.parametrize("answer", [OneClass("kind"), SeveralLabels("kinds")])
def test_classes_and_labels_are_a_ranking(answer: Answer) -> None:
    drawn = axes()
    answer.draw(drawn, {"label": "a", "probabilities": {"a": 1.0}})
    assert words(drawn) == ["a  1.00"]
    assert answer.drawn == "probability"


def test_on_a_page_the_chosen_classes_stand_out_and_nothing_is_taken_for_html() -> None:
    said = {"label": "<b>", "probabilities": {"<b>": 0.75, "c": 0.246, "d": 0.004}}
    assert OneClass("kind").html(said) == (
        '<span class="answer">&lt;b&gt; 75.0% </span><span class="other">c 24.6% </span>'
    )


def test_the_likeliest_class_is_shown_however_unlikely_it_is() -> None:
    assert shown_names({"label": "", "probabilities": {"a": 0.004, "b": 0.003}}) == [("a", 0.004)]
