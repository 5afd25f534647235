"""What a configuration says of answers: read with defaults, written back, refused by name."""

from __future__ import annotations

import pytest

import perceivers
from perceivers.configuration_answers import read_answer, read_answers
from perceivers.errors import ConfigurationError

ANSWERS = {
    "kind": {"type": "class", "id2label": {"0": "cat", "1": "dog"}},
    "tags": {"type": "labels", "num_labels": 3, "mlp_layers": 2},
    "age": {"type": "number"},
    "price": {
        "type": "number",
        "quantiles": [0.05, 0.5, 0.95],
        "weight": 0.25,
        "num_queries": 4,
        "token_rate": 2,
    },
}


def test_every_type_has_its_outputs():
    answers = read_answers(ANSWERS)
    assert list(answers) == ["age", "kind", "price", "tags"]
    assert {name: answer.num_outputs for name, answer in answers.items()} == {
        "age": 1,
        "kind": 2,
        "price": 3,
        "tags": 3,
    }
    assert answers["kind"].id2label == {0: "cat", 1: "dog"}
    assert answers["tags"].id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert answers["age"].id2label == {}
    assert answers["price"].quantiles == (0.05, 0.5, 0.95)
    assert [answers[name].weight for name in answers] == [1.0, 1.0, 0.25, 1.0]
    assert [answers[name].mlp_layers for name in answers] == [0, 0, 0, 2]
    assert [answers[name].num_queries for name in answers] == [1, 1, 4, 1]
    assert [answers[name].token_rate for name in answers] == [0.0, 0.0, 2.0, 0.0]


def test_the_order_of_classes_is_that_of_their_numbers():
    answer = read_answer("a", {"type": "class", "id2label": {"1": "y", "0": "x"}, "num_labels": 2})
    assert list(answer.id2label.items()) == [(0, "x"), (1, "y")]


def test_answers_are_saved_with_the_configuration(tmp_path):
    perceivers.PerceiverConfig(answers=ANSWERS).save_pretrained(tmp_path)
    assert perceivers.PerceiverConfig.from_pretrained(tmp_path).answers == ANSWERS
    assert "answers" not in perceivers.PerceiverConfig().to_dict()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (["kind"], r"`answers` must be a mapping from names to mappings, received \['kind'\]"),
        ({"a": 3}, "`answers` must be a mapping from names to mappings"),
        (
            {"a": {}},
            r"`answers\['a'\]` must have a 'type' that is one of "
            r"\['class', 'entities', 'entity', 'labels', 'number'\], received None",
        ),
        ({"a": {"type": ["class"]}}, r"received \['class'\]"),
        (
            {"a": {"type": "class", "num_labels": 2, "quantiles": [0.5], "loss": "hinge"}},
            r"`answers\['a'\]` of type 'class' must have settings among \['id2label', 'mlp_layers', .*\], "
            r"received \['loss', 'quantiles'\]",
        ),
        (
            {"a": {"type": "number", "num_labels": 2}},
            r"of type 'number' must have .*received \['num_labels'\]",
        ),
        (
            {"a": {"type": "class"}},
            r"`answers\['a'\]\['num_labels'\]` must be a whole number of at least 1, received None",
        ),
        ({"a": {"type": "labels", "num_labels": 0}}, "at least 1, received 0"),
        (
            {"a": {"type": "class", "id2label": {"0": "x", "2": "y"}}},
            "must have an id2label with names for 0, 1, 2",
        ),
        ({"a": {"type": "class", "id2label": ["x"]}}, "must have an id2label with names for 0, 1, 2"),
        ({"a": {"type": "class", "id2label": {"0": "x"}, "num_labels": 2}}, "received {'0': 'x'} and 2"),
        (
            {"a": {"type": "number", "quantiles": []}},
            r"`answers\['a'\]\['quantiles'\]` must be ascending numbers between 0 and 1, received \[\]",
        ),
        ({"a": {"type": "number", "quantiles": [0.5, 0.1]}}, r"received \[0.5, 0.1\]"),
        ({"a": {"type": "number", "quantiles": [0.5, 1.0]}}, r"received \[0.5, 1.0\]"),
        ({"a": {"type": "number", "quantiles": 0.5}}, "received 0.5"),
        (
            {"a": {"type": "number", "weight": 0}},
            r"`answers\['a'\]\['weight'\]` must be a finite number above 0, received 0",
        ),
        (
            {"a": {"type": "number", "mlp_layers": -1}},
            r"`answers\['a'\]\['mlp_layers'\]` must be .*at least 0",
        ),
        (
            {"a": {"type": "number", "num_queries": 0}},
            r"`answers\['a'\]\['num_queries'\]` must be .*at least 1",
        ),
        (
            {"a": {"type": "number", "token_rate": -1.0}},
            r"`answers\['a'\]\['token_rate'\]` must be a finite number above 0, received -1.0",
        ),
    ],
)
def test_wrong_descriptions_are_refused_by_the_configuration(answers, message):
    with pytest.raises(ConfigurationError, match=message):
        perceivers.PerceiverConfig(answers=answers)
