"""Cells as the numbers that trees divide, each kind by hand."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from perceivers.rivals.features import tree_features

NAN = math.nan


def features(kind: str, train: list[object], test: list[object]) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    return tree_features({"column": train}, {"column": test}, {"column": kind}, seed=0)


def test_numbers_may_be_texts_and_what_is_none_is_missing() -> None:
    train, test, is_category = features("number", ["1.5", 2, None], ["dear", math.inf, -1e3])
    assert train[:2, 0].tolist() == [1.5, 2.0]
    assert np.isnan(train[2, 0])
    assert np.isnan(test[:2, 0]).all()
    assert test[2, 0] == -1000.0
    assert is_category == [False]


def test_categories_are_numbered_by_the_training_rows_and_unknown_ones_are_missing() -> None:
    train, test, is_category = features("category", ["b", "a", None, "b", 7], ["a", "c", "", "7"])
    assert np.array_equal(train[:, 0], [2, 1, NAN, 2, 0], equal_nan=True)
    assert np.array_equal(test[:, 0], [1, NAN, NAN, 0], equal_nan=True)
    assert is_category == [True]
    assert features("category", [str(index) for index in range(255)], ["3"])[2] == [True]
    assert features("category", [str(index) for index in range(256)], ["3"])[2] == [False]


@pytest.mark.parametrize(
    "cell",
    [
        "2024-02-29 18:30",
        "2024-02-29T20:30:00+02:00",
        datetime(2024, 2, 29, 18, 30),
        datetime(2024, 2, 29, 20, 30, tzinfo=timezone(timedelta(hours=2))),
        np.datetime64("2024-02-29T18:30"),
    ],
)
def test_dates_are_taken_apart(cell: object) -> None:
    train, test, is_category = features("date", [cell, None], [cell])
    # A Thursday; 54 years with 13 leap days before it, and 31 + 28 days of its own.
    hour = 18.0 if not str(cell).endswith("+02:00") else 20.0
    assert train[0].tolist() == [2024, 2, 29, 3, hour, 54 * 365 + 13 + 59 + 18.5 / 24]
    assert test.tolist() == train[:1].tolist()
    assert np.isnan(train[1]).all()
    assert is_category == [False] * 6


def test_a_day_begins_at_midnight_and_other_texts_are_no_dates() -> None:
    train, test, _ = features("date", [date(1970, 1, 2), "soon", np.datetime64("NaT")], ["1970-01-02", 5])
    assert train[0].tolist() == test[0].tolist() == [1970, 1, 2, 4, 0, 1]
    assert np.isnan(train[1:]).all()
    assert np.isnan(test[1]).all()


def test_texts_are_topics_that_rows_with_the_same_words_share() -> None:
    train, test, is_category = features(
        "text", ["red apple", "green pear", "red apple pie", None], ["a red apple", "nothing known", None]
    )
    assert train.shape == (4, 3)
    assert is_category == [False] * 3

    def alike(first: np.ndarray, second: np.ndarray) -> float:
        return float(first @ second)

    assert alike(test[0], train[0]) > 0.5
    assert alike(test[0], train[1]) == pytest.approx(0.0, abs=1e-6)
    assert not test[1:].any()
    again = features("text", ["red apple", "green pear", "red apple pie", None], ["a red apple"])
    assert np.array_equal(again[0], train)


def test_a_text_of_one_word_or_of_none_is_no_obstacle() -> None:
    train, test, _ = features("text", ["word", "word"], ["word", "else"])
    assert train.tolist() == [[1.0], [1.0]]
    assert test.tolist() == [[1.0], [0.0]]
    train, test, is_category = features("text", ["?", None], ["word"])
    assert (train.shape, test.shape, is_category) == ((2, 0), (1, 0), [])


def test_columns_lie_side_by_side_and_one_that_the_test_lacks_is_missing() -> None:
    train, test, is_category = tree_features(
        {"size": [1, 2], "kind": ["a", "b"]}, {"kind": ["b"]}, {"size": "number", "kind": "category"}, seed=0
    )
    assert train.tolist() == [[1, 0], [2, 1]]
    assert np.array_equal(test, [[NAN, 1]], equal_nan=True)
    assert is_category == [False, True]
