"""What tasks of columns share: attention through the latents, rows that lack something, rows that belong to one answer."""

from __future__ import annotations

import pytest
import torch

from perceivers.answers.one_class import OneClass
from perceivers.errors import DataError
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.tasks.column_task import attention_through_latents
from perceivers.tasks.columns import Columns, Input, RowReader

TASKS = {name: OneClass("label", names=("x", "y"), where=("task", name)) for name in ("first", "second")}
COLUMNS = Columns((Input("colours", ("colour",), CategoryKind(CategoryOptions())),), TASKS)


def test_attention_goes_through_the_latents() -> None:
    encoder = torch.tensor([[[[0.25, 0.75], [1.0, 0.0]]]])
    decoder = torch.tensor([[[[0.5, 0.5], [0.0, 1.0]]]])
    # 0.5 x (0.25, 0.75) + 0.5 x (1, 0).
    assert attention_through_latents(encoder, decoder, 0).tolist() == [[0.625, 0.375]]
    assert attention_through_latents(encoder, decoder, 1).tolist() == [[1.0, 0.0]]


def test_a_row_has_a_target_for_its_own_answer_alone() -> None:
    reader = RowReader(COLUMNS, needs_targets=True, needs_values=True)
    assert reader({"colour": "red", "label": "y", "task": "second"}, None).targets == (None, 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"colour": "red", "label": "y", "task": "third"},
            "has 'third' in the column 'task', .* first, second",
        ),
        ({"colour": "red", "label": None, "task": "first"}, "has no value in the column 'label'"),
        ({"colour": None, "label": "y", "task": "first"}, "has no category in the column 'colour'"),
    ],
)
def test_rows_that_lack_what_is_needed_are_refused(row: dict[str, str | None], message: str) -> None:
    with pytest.raises(DataError, match=message):
        RowReader(COLUMNS, needs_targets=True, needs_values=True)(row, None)
    if "third" not in message:
        RowReader(COLUMNS)(row, None)
