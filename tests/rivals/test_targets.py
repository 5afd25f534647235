"""Targets of any form as numbers, and answers measured as those of a model are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perceivers.errors import ConfigurationError, DataError
from perceivers.rivals.targets import encode_target, measured


def test_classes_are_numbered_in_their_natural_order_and_missing_ones_left_out() -> None:
    target = encode_target("size", "class", ["10", None, "2", "b"], [2, "", math.nan, "a"])
    # "a" was never learned, and is a class of the test rows still.
    assert target.names == ("2", "10", "a", "b")
    assert target.train.tolist() == [1, 0, 3]
    assert target.rows.tolist() == [0, 2, 3]
    assert target.test.tolist() == [0, -100, -100, 2]
    assert target.num_outputs == 4


def test_labels_are_yes_or_no_of_each_and_an_empty_list_is_no_label() -> None:
    target = encode_target("tags", "labels", [["red", "big"], None, []], [["big"], None])
    assert target.names == ("big", "red")
    assert target.train.tolist() == [[1, 1], [0, 0]]
    assert target.rows.tolist() == [0, 2]
    assert target.test[0].tolist() == [1, 0]
    assert np.isnan(target.test[1]).all()


def test_numbers_may_be_texts() -> None:
    target = encode_target("price", "number", ["1.5", None, 3], ["", "2"])
    assert (target.names, target.num_outputs) == ((), 1)
    assert target.train.tolist() == [1.5, 3.0]
    assert target.rows.tolist() == [0, 2]
    assert math.isnan(target.test[0])
    assert target.test[1] == 2.0


def test_answers_are_measured_where_there_is_a_target_and_a_value() -> None:
    target = encode_target("kind", "class", ["a", "b"], ["a", "b", None])
    found = measured(target, np.array([[1.0, 0.0], [0.75, 0.25], [0.5, 0.5]]))
    assert found["accuracy"] == 0.5
    assert found["log_loss"] == pytest.approx(math.log(4) / 2, abs=1e-6)
    assert "confusions" not in found
    target = encode_target("price", "number", [1.0], [1.0, 3.0])
    found = measured(target, np.array([2.0, 2.0]))
    # A constant has no correlation with anything.
    assert found == {"rmse": 1.0, "mae": 1.0, "r2": 0.0}
    target = encode_target("tags", "labels", [["a"], ["b"]], [["a"], ["a", "b"], []])
    found = measured(target, np.array([[1.0, 0.0], [0.6, 0.4], [0.2, 0.2]]))
    assert found["roc_auc"] == 1.0
    # `a` is answered and right twice, `b` never answered.
    assert found["f1"] == 0.5


def test_what_cannot_be_a_target_is_an_error() -> None:
    with pytest.raises(DataError, match=r"`targets\['price'\]` must hold numbers, received 'dear'"):
        encode_target("price", "number", [1, "dear"], [])
    with pytest.raises(DataError, match=r"`targets\['kind'\]` must be known of one training row or more"):
        encode_target("kind", "class", [None, ""], ["a"])
    with pytest.raises(ConfigurationError, match=r"`targets\['kind'\]` must be a class, .* received 'word'"):
        encode_target("kind", "word", ["a"], ["a"])
