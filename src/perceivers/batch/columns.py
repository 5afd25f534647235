"""The columns that answers fill in a table of many rows: the same ones whatever the rows hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from perceivers.answers.base import Answer
from perceivers.errors import DataError
from perceivers.tasks.base import Prediction

ERROR = "error"


def answer_columns(answers: Mapping[str, Answer]) -> dict[str, type]:
    """Name -> str or float, in order: for each answer its title, then `TITLE_probability`, `TITLE_low` and the like."""
    columns: dict[str, type] = {}
    for answer in answers.values():
        asked = answer.description
        # What an answer says of made scores, for the names of what it says.
        size = (1, asked.num_outputs) if answer.names or asked.quantiles or answer.selects else (1,)
        (said,) = answer.describe(torch.zeros(size))
        for name, value in _named(answer, said).items():
            columns[name] = str if isinstance(value, str) else float
    return columns


def cells_of(
    answered: Iterable[Prediction | DataError], answers: Mapping[str, Answer], columns: Sequence[str]
) -> dict[str, list[Any]]:
    """A cell a row of each column, None where a row was not asked; and of `error`, None where a row could be read."""
    cells: dict[str, list[Any]] = {name: [] for name in (*columns, ERROR)}
    for each in answered:
        values: dict[str, Any] = {}
        if isinstance(each, DataError):
            values[ERROR] = str(each)
        else:
            for name, said in each.answers.items():
                values.update(_named(answers[name], said))
        for name, column in cells.items():
            column.append(values.get(name))
    return cells


def _named(answer: Answer, said: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer says in single values, by column."""
    (_, first), *others = said.items()
    single = {
        f"{answer.title}_{key}": value
        for key, value in others
        if not isinstance(value, Mapping | list | tuple)
    }
    return {answer.title: first, **single}
