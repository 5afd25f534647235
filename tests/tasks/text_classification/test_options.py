"""What a user may choose about text classification: what does not fit together is named."""

from __future__ import annotations

from typing import Any

import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.text_classification.options import TextClassificationArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"answer": "word"}, "`answer` must be one of one-class, several-labels, number, received 'word'"),
        ({"head_layers": -1}, "`head_layers` must be at least 0, received -1"),
        ({"crop": 1.0}, r"`crop` must be in \[0, 1\), received 1.0"),
        ({"hide": -0.5}, r"`hide` must be in \[0, 1\), received -0.5"),
        ({"label_smoothing": 1.0}, r"`label_smoothing` must be in \[0, 1\), received 1.0"),
        ({"label_separator": ""}, "`label_separator` must be 1 character or more, received 0"),
        ({"measures": ("recall",)}, "`measures` must be one of accuracy, f1, .* received 'recall'"),
        ({"measures": ("pearson",)}, "`measures` must be one of accuracy, f1, matthews, received 'pearson'"),
        ({"number_tasks": ("stsb",)}, "`number_tasks` needs `task_column`, received stsb"),
        (
            {"answer": "number", "label_smoothing": 0.1},
            "`label_smoothing` is for classes, received 0.1 with `answer` number",
        ),
        (
            {"task_column": "task", "answer": "number"},
            "`task_column` goes with `answer` one-class and no `label_smoothing`",
        ),
        ({"task_column": "task", "label_smoothing": 0.1}, "received one-class and 0.1"),
    ],
)
def test_what_a_question_cannot_have_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TextClassificationArguments(**values)
