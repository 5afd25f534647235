"""Rows of a table as samples: rows that lack something, rows that belong to one answer."""

from __future__ import annotations

import pytest

from perceivers.answers.one_class import OneClass
from perceivers.errors import DataError
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.row_reader import RowReader

TASKS = {name: OneClass("label", names=("x", "y"), where=("task", name)) for name in ("first", "second")}
COLUMNS = Columns((Input("colours", ("colour",), CategoryKind(CategoryOptions())),), TASKS)


def test_a_row_has_a_target_for_its_own_answer_alone() -> None:
    reader = RowReader(COLUMNS, needs_all=True)
    assert reader({"colour": "red", "label": "y", "task": "second"}, None).targets == (None, 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"colour": "red", "label": "y", "task": "third"},
            "has 'third' in the column 'task', .* first, second",
        ),
        ({"colour": "red", "label": None, "task": "first"}, "has no value in the column 'label'"),
        ({"colour": None, "label": "y", "task": "first"}, "has no value in the column 'colour'"),
    ],
)
def test_rows_that_lack_what_is_needed_are_refused(row: dict[str, str | None], message: str) -> None:
    with pytest.raises(DataError, match=message):
        RowReader(COLUMNS, needs_all=True, needs_target=True)(row, None)
    if "'label'" in message:
        assert RowReader(COLUMNS, needs_all=True)(row, None).targets == (None, None)
    if "third" not in message:
        RowReader(COLUMNS)(row, None)
