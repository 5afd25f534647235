"""What answers share: which rows they are asked of, what they are called, what their score is, their heads."""

from __future__ import annotations

import json
import math

import pytest

from perceivers.answers.base import Answer
from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.registry import answer_of_state
from perceivers.answers.several_labels import SeveralLabels
from perceivers.errors import DataError


def test_an_answer_may_be_asked_of_some_rows_alone() -> None:
    everywhere, here = OneClass("label"), OneClass("label", where=("task", "7"))
    assert everywhere.asks({"label": "a", "task": "7"})
    # A number in a table is the same value as its text.
    assert here.asks({"task": 7})
    assert not here.asks({"task": "8"})
    # A row that does not say is asked everything.
    assert here.asks({"label": "a"})
    assert (everywhere.title, here.title) == ("label", "7")


def test_the_score_is_the_first_chosen_measure_that_grows() -> None:
    assert OneClass("a").score == "accuracy"
    assert SeveralLabels("a").score == "mean_average_precision"
    assert Number("a").score == "r2"
    assert Number("a", chosen_measures=("mean_squared_error", "pearson")).score == "pearson"
    assert Number("a", chosen_measures=("rmse",)).score == "r2"


@pytest.mark.parametrize(
    "answer",
    [
        OneClass("a", names=("x", "y"), mlp_layers=2, where=("task", "t")),
        SeveralLabels("a", names=("x", "y"), mlp_layers=2, chosen_measures=("f1",)),
        Number("a", quantiles=(0.1, 0.5), mlp_layers=2, mean=3.5),
    ],
)
def test_an_answer_is_saved_whole_and_its_head_has_its_layers(answer: Answer) -> None:
    state = json.loads(json.dumps({"answer": answer.name, **answer.state()}))
    assert answer_of_state(state) == answer
    assert answer.description.mlp_layers == 2


def test_logarithms_are_learned_where_that_may_be() -> None:
    skewed = [10.0**power for power in range(9)]
    assert Number("a").settle(skewed, "table").logarithm_of == 0.0
    plain = Number("a", may_be_logarithm=False).settle(skewed, "table")
    assert plain.logarithm_of is None
    assert plain.mean == pytest.approx(111_111_111 / 9)


def test_words_for_missing_numbers_do_not_count() -> None:
    settled = Number("a").settle(["1", "?", "3"], "table")
    assert (settled.mean, settled.scale) == (2.0, 1.0)
    assert not math.isnan(settled.largest)
    with pytest.raises(DataError, match="`table` must hold numbers in the column 'a', received none"):
        Number("a").settle(["?"], "table")
