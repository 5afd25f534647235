"""The fields of a question to a model that reads columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from perceivers.answers.one_class import OneClass
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


def needed(*inputs: Input) -> list[tuple[str, bool]]:
    columns = Columns(inputs, {"fruit": OneClass("fruit").settle(["plum", "apple"], "train")})
    model: Any = None
    asking = ColumnAsking(TableTask(), Parts(model, columns), model)
    return [(field.column, field.needed) for field in asking.fields]


def test_of_several_columns_each_may_be_left_out_and_the_only_one_may_not() -> None:
    assert needed(NUMBERS, DAYS) == [("size", False), ("day", False)]
    assert needed(NUMBERS) == [("size", True)]
