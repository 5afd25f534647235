"""What is asked of a text: one class, labels or a number; of several tasks, one answer each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perceivers.answers.base import Answer
from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import Decimal, NotationError
from perceivers.data.some_cells import SomeCells, cells_with_texts
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError
from perceivers.kinds.base import is_empty
from perceivers.tasks.text_classification.options import MEASURES_OF_ANSWER, TextClassificationArguments

PROBLEM_TYPES = {
    "class": "single_label_classification",
    "labels": "multi_label_classification",
    "number": "regression",
}


def only_answer(table: Table | StreamTable, chosen: TextClassificationArguments) -> Answer:
    """The answer of a single task, settled on a training table.

    Raises:
        DataError: nothing can be learned from its labels.
    """
    cells = list(enumerate(table.column(chosen.label_column)))
    return _settled(_answer(chosen.answer, chosen, table.decimal), table, cells)


def task_answers(table: Table | StreamTable, chosen: TextClassificationArguments) -> dict[str, Answer]:
    """The answer of each task, by task, settled on its rows of a training table.

    Raises:
        DataError: a row has no task, a task that was named is absent, or nothing can be learned from its labels.
    """
    assert chosen.task_column is not None
    rows: dict[str, list[tuple[int, Any]]] = {}
    labels = table.column(chosen.label_column)
    for index, (task, label) in enumerate(zip(table.column(chosen.task_column), labels, strict=True)):
        if is_empty(task):
            raise DataError(f"`{table.name(index)}` has no task in the column {chosen.task_column!r}")
        rows.setdefault(str(task), []).append((index, label))
    if unknown := sorted(set(chosen.number_tasks) - set(rows)):
        raise DataError(
            f"`number_tasks` must be among the tasks of `{table.source}`, {', '.join(sorted(rows))}, received "
            f"{', '.join(unknown)}"
        )
    kinds = {task: "number" if task in chosen.number_tasks else "one-class" for task in sorted(rows)}
    return {
        task: _settled(_answer(kind, chosen, table.decimal, (chosen.task_column, task)), table, rows[task])
        for task, kind in kinds.items()
    }


def labels_that_are_numbers(
    table: Table | StreamTable, chosen: TextClassificationArguments
) -> list[SomeCells]:
    """Some labels of each task that answers a number, where they are texts; none where the table lacks a column."""
    label = chosen.label_column
    if label not in table.columns or chosen.task_column is None:
        return list(cells_with_texts(table, [label] if label in table.columns else []))
    if chosen.task_column not in table.columns:
        return []
    tasks, labels = table.column(chosen.task_column), table.column(label)
    found = []
    for task in chosen.number_tasks:
        some = evenly_spread([index for index, name in enumerate(tasks) if str(name) == task])
        found.append(
            SomeCells(label, [labels[index] for index in some], [table.name(index) for index in some])
        )
    return found


def problem_of(answer: Answer) -> dict[str, Any]:
    """An answer as keys of PerceiverConfig, for the page's classifier; a number is called as its column."""
    return {
        "id2label": dict(enumerate(answer.names or (answer.column,))),
        "problem_type": PROBLEM_TYPES[answer.name],
    }


def _answer(
    kind: str,
    chosen: TextClassificationArguments,
    decimal: Decimal,
    where: tuple[str, str] | tuple[()] = (),
) -> Answer:
    known = MEASURES_OF_ANSWER[kind]
    shared: dict[str, Any] = {
        "column": chosen.label_column,
        "mlp_layers": chosen.head_layers,
        "where": where,
        "chosen_measures": tuple(name for name in chosen.measures if name in known) or known,
    }
    if kind == "one-class":
        return OneClass(**shared)
    if kind == "several-labels":
        return SeveralLabels(**shared, separator=chosen.label_separator)
    return Number(**shared, may_be_logarithm=False, decimal=decimal)


def _settled(answer: Answer, table: Table | StreamTable, rows: Sequence[tuple[int, Any]]) -> Answer:
    """The answer that has seen the cells of these rows; an error of a cell names its row."""
    filled = [(index, cell) for index, cell in rows if not is_empty(cell)]
    if answer.name == "number":
        for index, cell in filled:
            _require_number(cell, answer, table.name(index))
    return answer.settle([cell for _, cell in filled], table.source)


def _require_number(cell: Any, answer: Answer, name: str) -> None:
    try:
        answer.target(cell)
    except NotationError as error:
        # What cures it is known.
        raise DataError(f"`{name}`: {error}") from None
    except DataError:
        raise DataError(
            f"`{name}` must have a number in the column {answer.column!r}, received {cell!r:.80}"
        ) from None
