"""Trees learn what a table of numbers, categories, texts and dates says, several targets at once."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error

from perceivers.errors import DataError, MissingExtraError
from perceivers.rivals import trees
from perceivers.rivals.trees import beside_trees

GENERATOR = np.random.default_rng(0)
ROWS, HELD = 307, 101


def table(rows: int) -> dict[str, list[object]]:
    """A table where the category and the size tell the price, the note tells the tags, the day tells the kind."""
    size = GENERATOR.uniform(0, 10, rows)
    colour = GENERATOR.choice(["red", "green", "blue"], rows)
    words = GENERATOR.choice(["ripe", "sour"], (rows, 2))
    day = GENERATOR.integers(1, 29, rows)
    return {
        "size": [None if index % 11 == 5 else float(value) for index, value in enumerate(size)],
        "colour": colour.tolist(),
        "note": [f"{first} and {second} ones" for first, second in words],
        "day": [f"2024-{1 + index % 12:02d}-{value:02d}" for index, value in enumerate(day)],
        "photo": [None] * rows,
        "price": [
            None if index % 13 == 3 else float(value * (2 if shade == "red" else -1))
            for index, (value, shade) in enumerate(zip(size, colour, strict=True))
        ],
        "kind": [("early" if value < 15 else "late") for value in day],
        "tags": [sorted({*pair}) for pair in words.tolist()],
    }


KINDS = {"size": "number", "colour": "category", "note": "text", "day": "date", "photo": "image"}
TRAIN, TEST = table(ROWS), table(HELD)


def targets(*names: str) -> dict[str, tuple[str, list[object], list[object]]]:
    answers = {"price": "number", "kind": "class", "tags": "labels"}
    return {name: (answers[name], TRAIN[name], TEST[name]) for name in names}


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "ITERATIONS", 40)


def test_each_target_is_learned_and_columns_that_trees_cannot_read_are_named() -> None:
    rival = beside_trees(TRAIN, TEST, KINDS, targets("price", "kind", "tags"))
    assert rival.read == ("size", "colour", "note", "day")
    assert rival.ignored == ("photo",)
    assert rival.measures["price"]["r2"] > 0.7
    assert rival.measures["kind"]["accuracy"] == 1.0
    assert rival.measures["tags"]["mean_average_precision"] > 0.99
    assert (
        beside_trees(TRAIN, TEST, KINDS, targets("price"), seed=0).measures["price"]
        == rival.measures["price"]
    )


def test_without_the_column_that_tells_it_a_target_is_not_learned() -> None:
    rest = {name: kind for name, kind in KINDS.items() if name != "day"}
    assert 0.3 < beside_trees(TRAIN, TEST, rest, targets("kind")).measures["kind"]["accuracy"] < 0.7


def test_trees_are_scikit_learns_own_with_missing_values_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "ITERATIONS", 7)
    found = beside_trees(TRAIN, TEST, {"size": "number"}, targets("price")).measures["price"]["rmse"]
    there = [index for index, value in enumerate(TRAIN["price"]) if value is not None]
    size = np.array(TRAIN["size"], dtype=float)[:, None]
    own = HistGradientBoostingRegressor(max_iter=7, learning_rate=0.05, early_stopping=False, random_state=0)
    own.fit(size[there], np.array(TRAIN["price"], dtype=float)[there])
    asked = [index for index, value in enumerate(TEST["price"]) if value is not None]
    answers = own.predict(np.array(TEST["size"], dtype=float)[asked, None])
    expected = root_mean_squared_error(np.array(TEST["price"], dtype=float)[asked], answers)
    assert found == pytest.approx(expected)


def test_a_class_that_the_training_rows_lack_is_never_right_and_one_that_is_alone_always() -> None:
    size = {"size": [1.0, 2.0, 3.0, 4.0] * 20}
    asked = {"size": [1.0, 4.0]}
    rival = beside_trees(
        size, asked, {"size": "number"}, {"kind": ("class", ["a", "a", "b", "b"] * 20, ["a", "c"])}
    )
    assert rival.measures["kind"]["accuracy"] == 0.5
    rival = beside_trees(size, asked, {"size": "number"}, {"kind": ("class", ["a"] * 80, ["a", "a"])})
    assert rival.measures["kind"]["accuracy"] == 1.0


def test_without_columns_that_trees_can_read_there_is_an_error() -> None:
    with pytest.raises(
        DataError, match=r"`kinds` must name a column of kind number, .* received photo \(image\)"
    ):
        beside_trees(TRAIN, TEST, {"photo": "image"}, targets("kind"))
    with pytest.raises(DataError, match=r"`kinds` must name .*received no columns"):
        beside_trees(TRAIN, TEST, {}, targets("kind"))
    with pytest.raises(DataError, match=r"`train` must have a column 'weight', received size"):
        beside_trees({"size": [1.0]}, TEST, {"weight": "number"}, targets("kind"))


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"`scikit-learn`.*pip install \"perceivers\[samples\]\""):
        beside_trees(TRAIN, TEST, KINDS, targets("kind"))
