"""A run that starts from another reads its columns as the other's model has learned to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers import fit
from perceivers.answers.number import Number
from perceivers.errors import ConfigurationError
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.saved_columns import write_columns
from perceivers.tasks.started_columns import as_started, in_order_of, in_words, reads_others
from tiny_tables import few_costs


def rows(count: int, seed: int, names: str = "ab") -> dict[str, list[Any]]:
    """A price that follows from two sizes and a town."""
    chance = np.random.default_rng(seed)
    width, height = chance.normal(size=(2, count)) * (1.0 + 0.3 * seed) + 0.5 * seed
    town = chance.choice(list(names), count)
    return {
        "width": width.tolist(),
        "town": town.tolist(),
        "height": height.tolist(),
        "price": (2.0 * width - height + 3.0 * (town == "b")).tolist(),
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first") / "run"
    with few_costs():
        fit(rows(127, 0), "price", output=folder, quiet=True, device="cpu", epochs=5)
    return folder


def test_rows_of_another_scale_and_order_are_answered_before_the_first_step(
    first: Path, tmp_path: Path
) -> None:
    other = rows(131, 1)
    swapped = {name: other[name] for name in ("price", "height", "town", "width")}
    fit(swapped, "price", output=tmp_path / "run", quiet=True, device="cpu", start=str(first), epochs=1)
    (start, _) = json.loads((tmp_path / "run" / "history.json").read_text())
    assert start["epoch"] == 0
    # Known from the first run alone; its bins end where its rows did.
    assert start["validation_r2"] > 0.8


def test_columns_that_the_start_does_not_read_are_an_error_that_lists_both(
    first: Path, tmp_path: Path
) -> None:
    other = rows(131, 1)
    del other["town"]
    with pytest.raises(
        ConfigurationError,
        match=r"`start` must be a model of the same columns, read alike: it reads width \(number\), height \(number\), "
        r"town \(category\), received width \(number\), height \(number\); --column NAME=KIND says",
    ):
        fit(other, "price", output=tmp_path / "run", quiet=True, device="cpu", start=str(first), epochs=1)


def columns_of(names: tuple[str, ...], numbers: tuple[str, ...]) -> Columns:
    kind = CategoryKind(CategoryOptions(category_rows=1), vocabularies=(names,))
    return Columns(
        (
            Input("categories", ("town",), kind, by_column=True),
            Input("numbers", numbers, NumberKind(NumberOptions()), by_column=True),
        ),
        {"price": Number("price", mean=5.0, scale=3.0)},
    )


def test_what_was_learned_of_columns_is_taken_over(tmp_path: Path) -> None:
    known = columns_of(("Ulm", "Bonn"), ("a", "b"))
    settled = NumberKind(NumberOptions()).settle([np.array([1.0, 2.0]), np.array([3.0, 5.0])], ("a", "b"))
    known = Columns((known.inputs[0], Input("numbers", ("a", "b"), settled, by_column=True)), known.answers)
    write_columns(known.inputs, known.answers, tmp_path)
    own = Columns(columns_of(("Rom",), ("b", "a")).inputs, {"price": Number("price", mean=7.0)})
    ordered = in_order_of(own, str(tmp_path))
    assert ordered.inputs[1].columns == ("a", "b")
    found = as_started(ordered, str(tmp_path), options_are_given=False)
    assert found.modalities() == known.modalities()
    assert found.inputs[0].kind.state() == {"vocabularies": [["Ulm", "Bonn"]]}
    price = found.answers["price"]
    assert isinstance(price, Number)
    assert (price.mean, price.scale) == (5.0, 3.0)
    given = as_started(ordered, str(tmp_path), options_are_given=True)
    assert given.inputs[0].kind.options == own.inputs[0].kind.options


@pytest.mark.parametrize(("by_column", "is_taken"), [(True, False), (False, True)])
def test_other_columns_of_a_table_learn_for_themselves_even_where_they_are_one_value(
    by_column: bool, is_taken: bool, tmp_path: Path
) -> None:
    def read(name: str, *vocabulary: str) -> Columns:
        kind = CategoryKind(CategoryOptions(), vocabularies=(vocabulary,))
        return Columns((Input("categories", (name,), kind, by_column=by_column),), {})

    known, own = read("town", "Ulm", "Bonn"), read("land", "Hessen", "Bayern")
    write_columns(known.inputs, known.answers, tmp_path)
    found = as_started(own, str(tmp_path), options_are_given=False)
    assert (found.inputs[0].kind.state() == known.inputs[0].kind.state()) is is_taken
    assert (found == own) is not is_taken
    assert reads_others(own, str(tmp_path)) is by_column
    assert not reads_others(known, str(tmp_path))
    assert not reads_others(own, None)


def test_of_a_checkpoint_without_columns_nothing_is_taken_over(tmp_path: Path) -> None:
    own = columns_of(("Rom",), ("b", "a"))
    for start in (None, str(tmp_path)):
        assert in_order_of(own, start) == own
        assert as_started(own, start, options_are_given=False) == own


def test_columns_are_told_with_what_they_hold() -> None:
    own = columns_of(("Rom",), ("b", "a"))
    assert in_words(own.inputs) == "town (category), b (number), a (number)"
