"""What answers share: which rows they are asked of, what they are called, what their score is, their heads."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

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


def test_an_answer_takes_the_options_that_it_has() -> None:
    options = {"num_queries": 3, "separator": "|", "quantiles": (0.1, 0.9), "balance": True}
    assert OneClass.chosen("a", options) == OneClass("a", num_queries=3, balance=True)
    assert SeveralLabels.chosen("a", options) == SeveralLabels("a", num_queries=3, separator="|")
    assert Number.chosen("a", options) == Number("a", num_queries=3, quantiles=(0.1, 0.9))


def test_what_is_told_of_an_answer_are_its_classes_or_its_range() -> None:
    assert OneClass("a", names=tuple("abcdef")).note() == "a, b, c, d, e, f"
    assert OneClass("a", names=tuple("abcdefgh")).note() == "a, b, c, d, e, f and 2 more"
    assert Number("a", smallest=-1.5, largest=7.0).note() == "-1.5 to 7"
    skewed = Number("a", smallest=1.0, largest=7.0, logarithm_of=0.0)
    assert skewed.note() == "1 to 7; skewed, so its logarithm is learned"


def test_views_of_a_sample_say_their_mean_probability_or_number() -> None:
    scores = torch.tensor([[[0.0, math.log(3.0)], [0.0, 0.0]]])
    # (1/4, 3/4) and (1/2, 1/2).
    classes = OneClass("a").mean_of_views(scores).softmax(dim=-1)
    torch.testing.assert_close(classes, torch.tensor([[0.375, 0.625]]))
    # 1/2 and 1/2; 3/4 and 1/2.
    labels = SeveralLabels("a").mean_of_views(scores).sigmoid()
    torch.testing.assert_close(labels, torch.tensor([[0.5, 0.625]]))
    numbers = Number("a").mean_of_views(torch.tensor([[1.0, 2.0]]))
    assert numbers.tolist() == [1.5]


def test_numbers_have_no_probability_to_spread() -> None:
    number, said, target = Number("a"), torch.tensor([[1.0]]), torch.tensor([3.0])
    assert number.losses(said, target, label_smoothing=0.5).tolist() == [4.0]


def test_confusions_are_measured_and_drawn_where_there_are_any(tmp_path: Path) -> None:
    answer = OneClass("a", names=("x", "y"), chosen_measures=("f1",))
    assert answer.measures == ("f1", "confusions")
    assert answer.draw_measures({"f1": torch.tensor(1.0)}, tmp_path, "") == []
    assert answer.draw_measures({"confusions": torch.zeros(2, 2)}, tmp_path, "") == []
    (path,) = answer.draw_measures({"confusions": torch.eye(2)}, tmp_path, "a-")
    assert path.name == "a-confusions.png"
    with Image.open(path) as picture:
        assert picture.width > 300


def test_targets_are_told_in_plain_words_and_units() -> None:
    assert OneClass("a", names=("x", "y")).plain(1) == 1
    labels = SeveralLabels("a", names=("x", "y", "z"))
    assert labels.plain(labels.target("z,x")) == ["x", "z"]
    number = Number("a").settle([1.0, 3.0, 8.0], "table")
    target = number.target(3.0)
    assert target is not None
    assert number.plain(target) == pytest.approx(3.0)
