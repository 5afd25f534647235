"""What is learned of the training rows alone."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.arguments import DataArguments
from perceivers.data.frames import table_of
from perceivers.errors import DataError
from perceivers.tasks.settling import settled
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask


def test_scale_and_balance_of_answers_are_those_of_the_training_rows() -> None:
    random = np.random.default_rng(0)
    kinds = ["a"] * 40 + ["b"] * 13 + ["c"]
    columns = {"x": random.normal(size=54).tolist(), "price": random.normal(size=54).tolist(), "kind": kinds}
    task = TableTask(TableArguments(target=("price", "kind"), balance="classes"))
    task.open = lambda arguments: {"train": table_of(columns)}  # type: ignore[method-assign]
    splits = task.load_data(DataArguments(data="table", test_fraction=0.5))
    price, kind = (task.columns.answers[name] for name in ("price", "kind"))
    own = [columns["price"][index] for index in splits.train.indices]  # type: ignore[attr-defined]
    assert price.mean == pytest.approx(np.mean(own))  # type: ignore[attr-defined]
    assert price.scale == pytest.approx(np.std(own))  # type: ignore[attr-defined]
    counts = [sum(kinds[index] == name for index in splits.train.indices) for name in "abc"]  # type: ignore[attr-defined]
    expected = [len(own) / (3 * max(count, 1)) for count in counts]
    assert kind.class_weights == pytest.approx(expected)  # type: ignore[attr-defined]
    assert kind.names == ("a", "b", "c")
    # What was read before the division is learned in the new scale.
    samples = [splits.train[place] for place in range(len(splits.train))]
    learned = task.columns.targets(samples)["price"]
    assert float(learned.mean()) == pytest.approx(0.0, abs=1e-6)
    assert [sample.targets[0] for sample in samples] == own
    assert splits.train.decode.columns is task.columns  # type: ignore[attr-defined]


def test_what_cannot_be_learned_from_is_named_with_its_table() -> None:
    sets = [np.zeros((3, 41)).tolist()] * 10
    task = TableTask(TableArguments(target=("kind",)))
    task.open = lambda arguments: {"train": table_of({"points": sets, "kind": ["a", "b"] * 5}, "clouds")}  # type: ignore[method-assign]
    splits = task.load_data(DataArguments(data="table", test_fraction=0.2))
    with pytest.raises(DataError, match=r"^`clouds`: points in the column 'points' must have the shape"):
        settled(task.columns, splits.train)
