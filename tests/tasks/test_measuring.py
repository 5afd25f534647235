"""Measures of several answers: their names, their mean score, and the loss of rows that have an answer of their own."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.answers.base import Answer
from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.tasks.measuring import Measures, step_of

ANSWERS: dict[str, Answer] = {
    "kind": OneClass("kind", names=("a", "b", "c"), chosen_measures=("accuracy",)),
    "price": Number("the price", chosen_measures=("rmse", "pearson"), weight=0.5),
}


def test_the_headline_of_one_answer_is_its_first_measure_and_of_several_their_score() -> None:
    assert Measures({"price": ANSWERS["price"]}, False).headline == ("rmse", "lower")
    assert Measures(ANSWERS, True).headline == ("score", "higher")


def test_measures_of_several_answers_are_called_by_their_titles() -> None:
    several = Measures(ANSWERS, True)
    assert set(several.metrics().keys()) == {
        "kind/accuracy",
        "kind/confusions",
        "the price/rmse",
        "the price/pearson",
        "loss",
    }
    assert Measures({"price": ANSWERS["price"]}, False).name("price", "rmse") == "rmse"


def test_the_score_is_the_mean_of_what_is_known() -> None:
    several = Measures(ANSWERS, True)
    scores = {"kind/accuracy": 0.75, "the price/pearson": 0.25, "the price/rmse": 7.0}
    assert several.summarized(scores) == {"score": 0.5, **scores}
    # An answer that nothing was asked of says nothing, and the mean leaves it out.
    assert several.summarized({**scores, "the price/pearson": math.nan})["score"] == 0.75
    assert math.isnan(several.summarized({"kind/accuracy": math.nan})["score"])
    assert Measures({"kind": ANSWERS["kind"]}, False).summarized({"accuracy": 0.5}) == {"accuracy": 0.5}


@pytest.mark.parametrize("own", [False, True])
def test_every_answer_counts_alike_or_every_row_that_has_one_of_its_own(own: bool) -> None:
    where = {"kind": ("task", "k"), "price": ("task", "p")} if own else {"kind": (), "price": ()}
    answers: dict[str, Answer] = {
        "kind": OneClass("kind", names=("a", "b"), where=where["kind"]),
        "price": Number("price", weight=0.5, where=where["price"]),
    }
    said = {"kind": torch.zeros(3, 1, 2), "price": torch.tensor([[1.0], [2.0], [4.0]])}
    scores = {"kind": said["kind"][:, 0], "price": said["price"][:, 0]}
    targets = {"kind": torch.tensor([0, -100, -100]), "price": torch.tensor([math.nan, 0.0, 0.0])}
    exact = {"price": answers["price"].exact([None, 0.25, 7.0])}
    step = step_of(answers, said, scores, targets, 0.0, exact)  # type: ignore[arg-type]
    # One class of two is lost log 2; two prices 4 and 16, at half the weight 2 and 8.
    expected = (math.log(2) + 10) / 3 if own else math.log(2) + 10 / 2
    assert float(step.loss) == pytest.approx(expected, rel=1e-6)
    assert step.measured["loss"].tolist() == pytest.approx([math.log(2), 2.0, 8.0], rel=1e-6)
    assert step.measured["price/preds"].tolist() == [1.0, 2.0, 4.0]
    # Not what the loss is given: that is rounded.
    assert step.measured["price/target"].tolist()[1:] == [0.25, 7.0]
