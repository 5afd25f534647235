"""What is asked of a text: classes, labels or a number, read from data or from a trained model's configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perceivers.configuration import PerceiverConfig
from perceivers.data.rows import class_id
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.errors import DataError
from perceivers.tasks.text_classification.options import MEASURES_OF_ANSWER, TextClassificationArguments

PROBLEM_TYPES = {
    "one-class": "single_label_classification",
    "several-labels": "multi_label_classification",
    "number": "regression",
}
# What the only task is called where a model has a head for each.
ONLY_TASK = "answer"


@dataclass(frozen=True)
class Question:
    """One task.

    Args:
        answer: "one-class", "several-labels" or "number".
        names: of the classes or labels, by id; of a number, its column's.
        mean: of the training texts' numbers.
        scale: their standard deviation; the model answers in these units, from the mean on.
    """

    answer: str
    names: tuple[str, ...]
    mean: float = 0.0
    scale: float = 1.0

    @property
    def measures(self) -> tuple[str, ...]:
        """What is reported where nobody chose."""
        return MEASURES_OF_ANSWER[self.answer]

    def target(self, value: Any, column: str, separator: str) -> Any:
        """A row's label as class id, as 0 and 1 by label (float32 [num_labels]), or as a number.

        Raises:
            DataError: the value is none of these.
        """
        if self.answer == "number":
            return number(value, column)
        if self.answer == "one-class":
            return class_id(value, self.names, column)
        target = np.zeros(len(self.names), dtype=np.float32)
        for label in split_labels(value, separator):
            target[class_id(label, self.names, column)] = 1.0
        return target


def questions_of_data(table: Table | StreamTable, chosen: TextClassificationArguments) -> dict[str, Question]:
    """The tasks of a training table by name; a single one is called ONLY_TASK.

    Raises:
        DataError: a column is absent, a class has no name, there are fewer than two classes, or a number is none.
    """
    require_columns(table, chosen.label_column)
    values = list(table.column(chosen.label_column))
    if chosen.task_column is None:
        return {ONLY_TASK: _question(table, list(enumerate(values)), chosen.answer, chosen)}
    require_columns(table, chosen.task_column)
    rows: dict[str, list[tuple[int, Any]]] = {}
    for index, (task, value) in enumerate(zip(table.column(chosen.task_column), values, strict=True)):
        if task is None or task == "":
            raise DataError(f"`{table.name(index)}` has no task in the column {chosen.task_column!r}")
        rows.setdefault(str(task), []).append((index, value))
    unknown = sorted(set(chosen.number_tasks) - set(rows))
    if unknown:
        raise DataError(
            f"`number_tasks` must be among the tasks of `{table.source}`, {', '.join(sorted(rows))}, received "
            f"{', '.join(unknown)}"
        )
    return {
        task: _question(table, rows[task], "number" if task in chosen.number_tasks else "one-class", chosen)
        for task in sorted(rows)
    }


def questions_of_model(config: PerceiverConfig) -> dict[str, Question]:
    """The tasks of a trained model, in the order of their numbers."""
    if config.tasks is None:
        described: dict[str, dict[str, Any]] = {
            ONLY_TASK: {"id2label": config.id2label or {}, "problem_type": config.problem_type}
        }
    else:
        described = {name: dict(config.tasks[name]) for name in sorted(config.tasks)}
    scales = getattr(config, "number_scales", {})
    answers = {problem: answer for answer, problem in PROBLEM_TYPES.items()}
    return {
        name: Question(
            answers[task["problem_type"]],
            tuple(label for _, label in sorted((int(key), label) for key, label in task["id2label"].items())),
            *scales.get(name, (0.0, 1.0)),
        )
        for name, task in described.items()
    }


def config_of_questions(questions: Mapping[str, Question], *, with_heads: bool) -> dict[str, Any]:
    """The same as keys of PerceiverConfig; `with_heads`: for a model that has a head for each task."""
    described = {
        name: {
            "id2label": dict(enumerate(question.names)),
            "problem_type": PROBLEM_TYPES[question.answer],
        }
        for name, question in questions.items()
    }
    scales = {
        name: [question.mean, question.scale]
        for name, question in questions.items()
        if question.answer == "number"
    }
    values: dict[str, Any] = {"tasks": described} if with_heads else dict(described[ONLY_TASK])
    return {**values, "number_scales": scales} if scales else values


def number(value: Any, column: str) -> float:
    """A label as a finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise DataError(f"must have a number in the column {column!r}, received {value!r:.80}")
    return found


def split_labels(value: Any, separator: str) -> list[str]:
    """The labels of a row: a list of them, or a text that `separator` divides; none for None and an empty text."""
    if value is None:
        return []
    parts = value.split(separator) if isinstance(value, str) else value
    if not isinstance(parts, Sequence):
        parts = [parts]
    return [str(part).strip() for part in parts if str(part).strip()]


def _question(
    table: Table | StreamTable,
    rows: list[tuple[int, Any]],
    answer: str,
    chosen: TextClassificationArguments,
) -> Question:
    column = chosen.label_column
    if answer == "number":
        numbers = []
        for index, value in rows:
            try:
                numbers.append(number(value, column))
            except DataError as error:
                raise DataError(f"`{table.name(index)}` {error}") from error
        deviation = float(np.std(numbers))
        return Question(answer, (column,), float(np.mean(numbers)), deviation if deviation > 0.0 else 1.0)
    if answer == "several-labels":
        names = {label for _, value in rows for label in split_labels(value, chosen.label_separator)}
        if not names:
            raise DataError(
                f"`{table.source}` must hold labels in the column {column!r}, received only empty ones"
            )
        return Question(answer, tuple(sorted(names)))
    for index, value in rows:
        if value is None or value == "":
            raise DataError(f"`{table.name(index)}` has no class in the column {column!r}")
    names = {str(value) for _, value in rows}
    if len(names) < 2:
        raise DataError(
            f"`{table.source}` must hold two classes or more in the column {column!r}, received only {names.pop()!r}"
        )
    return Question(answer, tuple(sorted(names, key=_natural)))


def _natural(name: str) -> tuple[int, int, str]:
    """Whole numbers by size, then all else by letter."""
    is_whole = name.removeprefix("-").isdecimal()
    return (0, int(name), "") if is_whole else (1, 0, name)
