"""What training would learn of a table's inputs, found beforehand in some of its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from perceivers.data.evenly import spread_indices
from perceivers.data.tables import Table
from perceivers.errors import DataError
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input

# Rows that are read, at most: training reads them all.
MOST_ROWS = 2_000


def learned_before(columns: Columns, train: Table) -> Columns:
    """Columns of which each input that says what it has learned has looked at some rows.

    Args:
        columns: as they were chosen.
        train: the training table; rows that cannot be read are passed over, as training tells of them.
    """
    surveyed = columns.surveyed(train)
    return dataclasses.replace(surveyed, inputs=tuple(_learned(each, train) for each in surveyed.inputs))


def _learned(each: Input, train: Table) -> Input:
    kind = each.kind
    if not kind.tells_learned:
        return each
    values = [value for value in _values(each, train, kind.settles_on) if value is not None]
    with each.telling():
        return dataclasses.replace(each, kind=kind.settle(values, each.columns)) if values else each


def _values(each: Input, train: Table, count: int | None) -> Iterator[Any]:
    for index in spread_indices(len(train), min(MOST_ROWS if count is None else count, MOST_ROWS)):
        try:
            yield each.read(train[index], train)
        except DataError:
            continue
