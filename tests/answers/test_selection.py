"""Answers that select entities of a set: cells, losses by hand, what is said of sets of any size, what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from perceivers.answers.base import Answer
from perceivers.answers.one_entity import OneEntity
from perceivers.answers.registry import answer_of_state, guess_answer
from perceivers.answers.several_entities import SeveralEntities
from perceivers.errors import DataError
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.entities.kind import EntitiesKind
from perceivers.kinds.entities.options import EntityOptions

LOWEST = torch.finfo(torch.float32).min
UNITS = EntitiesKind(EntityOptions(max_entities=5))
COLOURS = CategoryKind(CategoryOptions())
ONE = OneEntity("focus").selecting({"units": ("units", UNITS), "colour": ("categories", COLOURS)}, "a.jsonl")
SEVERAL = SeveralEntities("heal").selecting({"units": ("units", UNITS)}, "a.jsonl")
# Sets of three, of two and of none.
SCORES = torch.tensor([[1.0, 3.0, 2.0], [0.0, -1.0, LOWEST], [LOWEST] * 3])


def test_places_are_whole_numbers_from_0() -> None:
    assert [ONE.target(cell) for cell in (2, "2", 2.0, np.int64(2), None, "")] == [2, 2, 2, 2, None, None]
    cells: list[Any] = [[3, 1], "1, 3", "[1, 3]", np.array([3, 1, 3]), [], None, "2"]
    expected = [(1, 3)] * 4 + [(), (), (2,)]
    assert [SEVERAL.target(cell) for cell in cells] == expected
    assert SeveralEntities("heal", separator=";").target("1;3") == (1, 3)
    assert (ONE.places(None), ONE.places(4), SEVERAL.places((0, 2))) == ([], [4], [0, 2])


@pytest.mark.parametrize("cell", [-1, 0.5, "archer", True, math.inf, [1]])
def test_anything_else_is_refused(cell: Any) -> None:
    with pytest.raises(
        DataError, match=r"must have places of entities, 0, 1, 2, ..., in the column 'focus', received"
    ):
        ONE.target(cell)
    with pytest.raises(DataError, match=r"`a.jsonl` must have places .* in the column 'heal', received 'x'"):
        SEVERAL.settle([[0], ["x"]], "a.jsonl")


def test_a_column_is_never_guessed_to_hold_places() -> None:
    assert guess_answer([0, 1, 2, 1]).name == "class"
    assert guess_answer([[0, 1], [2]]).name == "labels"


@pytest.mark.parametrize("answer", [ONE, SEVERAL])
def test_it_is_saved_whole_and_its_head_names_the_modality(answer: Answer) -> None:
    assert answer_of_state(json.loads(json.dumps({"answer": answer.name, **answer.state()}))) == answer
    assert answer.head() == {"type": answer.name, "weight": 1.0, "num_queries": 1, "of": "units"}
    assert (answer.members_of, answer.note()) == ("units", "selects of units")


def test_what_is_not_in_the_set_is_refused_by_name() -> None:
    ONE.require_among(1, ("a", "b"))
    ONE.require_among(None, None)
    SEVERAL.require_among((), None)
    with pytest.raises(
        DataError,
        match=r"must select among 2 entities in the column 'units', counted from 0, received 2 in the column 'focus'",
    ):
        ONE.require_among(2, ("a", "b"))
    with pytest.raises(DataError, match="among 0 entities in the column 'units', counted from 0, received 3"):
        SEVERAL.require_among((0, 3), None)
    with pytest.raises(DataError, match="among 5 entities that are seen in the column 'units'"):
        ONE.require_among(7, tuple("abcde"))


def test_the_column_of_sets_is_the_only_one_or_is_named() -> None:
    both = {"units": ("units", UNITS), "crates": ("crates", UNITS)}
    assert OneEntity("focus", among="crates").selecting(both, "a.jsonl").of == "crates"
    with pytest.raises(
        DataError, match=r"needs one column of entities, and `a.jsonl` has units, crates: .*=COLUMN says"
    ):
        OneEntity("focus").selecting(both, "a.jsonl")
    with pytest.raises(DataError, match="has none: --column NAME=entities names one"):
        OneEntity("focus").selecting({}, "a.jsonl")
    with pytest.raises(
        DataError, match=r"`--target focus:entity=colour` must name a column of entities .* such are units"
    ):
        OneEntity("focus", among="colour").selecting(
            {"units": ("units", UNITS), "colour": ("c", COLOURS)}, "a"
        )


def test_one_is_said_with_its_probability_and_none_of_an_empty_set() -> None:
    likely = math.exp(3) / (math.e + math.exp(2) + math.exp(3))
    first, second, empty = ONE.describe(SCORES)
    assert (first["entity"], list(first["probabilities"])) == (1, ["1", "2", "0"])
    assert first["probability"] == pytest.approx(likely)
    assert list(second["probabilities"]) == ["0", "1"]
    assert empty == {"entity": None, "probability": None, "probabilities": {}}
    values = ONE.values(SCORES)
    assert values.shape == (3, 5)
    assert values.sum(dim=1).tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert float(values[0, 1]) == pytest.approx(likely)
    assert ONE.in_words(empty).words == "none of them"
    assert ONE.in_words(second).chosen == {"0"}
    assert "none of them" in ONE.html(empty)
    assert ONE.html(second).startswith('<span class="answer">0 73.1% </span>')
    compared = ONE.compare(second, empty)
    assert (compared["answer"], compared["without"]) == ("0", "")
    assert compared["change"] == pytest.approx(-1 / (1 + math.exp(-1)))
    assert ONE.compare(empty, first) == {"answer": "", "without": "1", "change": 0.0}


def test_several_are_those_above_one_half() -> None:
    first, second, empty = SEVERAL.describe(SCORES)
    assert (first["entities"], second["entities"], empty["entities"]) == ("0, 1, 2", "", "")
    assert second["probability"] == 0.5
    assert empty["probability"] is None
    assert SEVERAL.in_words(first).chosen == {"0", "1", "2"}
    values = SEVERAL.values(SCORES)
    assert values[1].tolist() == pytest.approx([0.5, 1 / (1 + math.e), 0, 0, 0])


def test_losses_are_those_of_the_entities_that_are_there() -> None:
    targets = ONE.stack([2, 1, None])
    expected = [math.log(math.exp(-1) + math.e + 1), math.log(1 + math.e), 0.0]
    assert ONE.losses(SCORES, targets).tolist() == pytest.approx(expected)
    # Two queries: the mean of their losses. What is not there loses nothing; reading refuses it.
    assert ONE.losses(torch.stack([SCORES, SCORES], dim=1), targets).tolist() == pytest.approx(expected)
    assert ONE.losses(SCORES, ONE.stack([4, 2, 0])).tolist() == [0.0, 0.0, 0.0]
    wanted = SEVERAL.stack([(1,), (0, 4), None])
    assert wanted.shape == (3, 5)
    said = torch.tensor([[0.0, 0.0, 0.0], [2.0, -3.0, LOWEST], [1.0] * 3])
    by_hand = [math.log(2), (math.log1p(math.exp(-2)) + math.log1p(math.exp(-3))) / 2, 0.0]
    assert SEVERAL.losses(said, wanted).tolist() == pytest.approx(by_hand)


def scored(answer: Answer, name: str, *batches: tuple[Tensor, Tensor]) -> float:
    metric = answer.metric(name)
    for scores, targets in batches:
        preds, truth = answer.measured(scores, targets)
        metric.update(preds, truth)
    return float(metric.compute())


def test_batches_of_any_width_are_measured_together() -> None:
    pair = torch.tensor([[1.0, -2.0]]), ONE.stack([1])
    batches = (SCORES, ONE.stack([1, 0, None])), pair
    assert ONE.measures == ("accuracy", "log_loss")
    assert scored(ONE, "accuracy", *batches) == pytest.approx(2 / 3)
    by_hand = [
        math.log(1 + math.exp(-1) + math.exp(-2)),
        math.log(1 + math.exp(-1)),
        math.log(1 + math.exp(3)),
    ]
    assert scored(ONE, "log_loss", *batches) == pytest.approx(np.mean(by_hand))
    wanted = (
        (SCORES, SEVERAL.stack([(0, 1, 2), (0,), None])),
        (torch.tensor([[1.0, 1.0]]), SEVERAL.stack([(1,)])),
    )
    assert SEVERAL.measures == ("f1", "exact_match")
    # Five are true, five selected, four of them rightly.
    assert scored(SEVERAL, "f1", *wanted) == pytest.approx(2 * 4 / 10)
    assert scored(SEVERAL, "exact_match", *wanted) == pytest.approx(1 / 3)


@pytest.mark.parametrize("answer", [ONE, SEVERAL])
def test_views_are_averaged_alike_with_and_without_torch(answer: Answer) -> None:
    views = torch.stack([SCORES, SCORES.roll(1, dims=0)[[1, 1, 2]]], dim=1)
    averaged = answer.mean_of_views(views)
    plain = answer.mean_of_views(views.numpy())
    there = averaged > -65504
    assert torch.equal(torch.from_numpy(plain > -65504), there)
    assert averaged[there].numpy() == pytest.approx(plain[there.numpy()], rel=1e-5)
    assert answer.describe(averaged)[0]["probability"] == pytest.approx(
        answer.describe(plain)[0]["probability"], rel=1e-5
    )
