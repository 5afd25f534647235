"""The fields of a question to a model that reads columns."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from perceivers.answers.one_class import OneClass
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.date.kind import DateKind
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.tasks.asking.columns import ColumnAsking
from perceivers.tasks.base import Parts
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.table.task import TableTask

NUMBERS = Input(
    "numbers", ("size",), NumberKind(NumberOptions()).settle([np.array([1.0]), np.array([7.0])], ["size"])
)
DAYS = Input("day", ("day",), DateKind(DateKind.options_class()))


def asking_of(*inputs: Input) -> ColumnAsking:
    columns = Columns(inputs, {"fruit": OneClass("fruit").settle(["plum", "apple"], "train")})
    model: Any = None
    return ColumnAsking(TableTask(), Parts(model, columns), model)


def needed(*inputs: Input) -> list[tuple[str, bool]]:
    asking = asking_of(*inputs)
    return [(field.column, field.needed) for field in asking.fields]


def test_of_several_columns_each_may_be_left_out_and_the_only_one_may_not() -> None:
    assert needed(NUMBERS, DAYS) == [("size", False), ("day", False)]
    assert needed(NUMBERS) == [("size", True)]


@pytest.mark.parametrize(
    ("cell", "bound"),
    [
        ("inf", "the largest that the run was trained on is 7"),
        (-np.inf, "the smallest that the run was trained on is 1"),
    ],
)
def test_an_infinite_number_is_refused_with_the_one_that_it_would_be_taken_for(
    cell: Any, bound: str, tmp_path: Path
) -> None:
    (found,) = asking_of(NUMBERS).read_and_answer([{"size": cell}], tmp_path, shows=False)
    assert isinstance(found, DataError)
    assert str(found) == f"in the column 'size': expected a finite number, received {cell!r}; {bound}"


@pytest.mark.parametrize(("cell", "expected"), [(np.inf, 7.0), (-np.inf, 1.0), (3.0, 3.0)])
def test_an_example_with_an_infinite_number_has_the_one_that_the_model_takes_it_for(
    cell: float, expected: float
) -> None:
    asking = asking_of(NUMBERS)
    table = ListTable([{"size": float(cell), "fruit": "plum"}], "t")
    samples: Any = SimpleNamespace(
        table=table, indices=[0], decode=SimpleNamespace(columns=asking.parts.processor), name=table.name
    )
    assert asking.example(samples, 0).cells == {"size": expected}
