"""A run beside simple methods on the same rows: boosted trees, and the answer that looks at nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from perceivers.data.rows import RowSamples
from perceivers.data.splits import JoinedSamples
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.rivals.features import READABLE
from perceivers.rivals.majority import beside_majority
from perceivers.rivals.targets import Rival
from perceivers.rivals.trees import beside_trees
from perceivers.tasks.base import Parts, Task
from perceivers.tasks.column_task import ColumnTask

RIVALS = ("trees",)


def measure_rivals(
    task: Task[Any], parts: Parts, train: Any, asked: Any, *, beside: str, seed: int = 0
) -> dict[str, Any]:
    """Fit simple methods to the rows that a model was trained on, and measure them on others.

    The training rows are those that the weights were fitted to: the validation rows are not among them, although the model
    may have been chosen and calibrated by these.

    Args:
        task: of columns.
        parts: the trained model's; its columns and answers are what the methods read and answer.
        train: the run's training part.
        asked: the rows to measure on.
        beside: "trees".
        seed: of whatever the trees draw.

    Returns:
        `trees` and `majority`: measures by the names that the task gives them; `training_samples`: how many rows they were
        fitted to; `read` and `ignored`: columns that trees can read, and those that they cannot.

    Raises:
        ConfigurationError: an unknown name; a task that does not answer columns; no column that trees can read.
        DataError: the rows are a stream.
        MissingExtraError: scikit-learn is not installed.
    """
    if beside not in RIVALS:
        raise ConfigurationError(f"`beside` must be {', '.join(RIVALS)}, received {beside!r}")
    if not isinstance(task, ColumnTask):
        raise ConfigurationError(
            f"`beside` {beside} needs a run whose answers come from columns, received one of {task.name}"
        )
    kinds = {column: each.kind for each in parts.processor.inputs for column in each.columns}
    if not any(kind.name in READABLE for kind in kinds.values()):
        raise ConfigurationError(
            f"`beside` {beside} needs a column that trees can read ({', '.join(READABLE)}), received only "
            + ", ".join(f"{column} ({kind.name})" for column, kind in kinds.items())
        )
    fitted, measured = _rows(train), _rows(asked)
    readable = {column: kind for column, kind in kinds.items() if kind.name in READABLE}
    known, truth = _targets(parts, fitted), _targets(parts, measured)
    targets = {
        name: (answer.head_type, known[name], truth[name]) for name, answer in parts.processor.answers.items()
    }
    trees = beside_trees(
        _cells(readable, fitted),
        _cells(readable, measured),
        {column: kind.name for column, kind in kinds.items()},
        targets,
        seed,
    )
    return {
        "trees": _named(task, trees),
        "majority": _named(task, beside_majority(targets)),
        "training_samples": sum(map(len, fitted)),
        "read": list(trees.read),
        "ignored": list(trees.ignored),
    }


def _rows(samples: Any) -> list[RowSamples]:
    parts = samples.parts if isinstance(samples, JoinedSamples) else (samples,)
    found = [part for part in parts if isinstance(part, RowSamples)]
    if not found:
        raise DataError("`beside` needs rows that can be read again, received a stream")
    return found


def _cells(kinds: Mapping[str, Kind], parts: Sequence[RowSamples]) -> dict[str, list[Any]]:
    """Cells as trees take them, by column; all None in a table without the column."""
    found: dict[str, list[Any]] = {column: [] for column in kinds}
    for part in parts:
        for column, kind in kinds.items():
            if column not in part.table.columns:
                found[column].extend([None] * len(part))
                continue
            cells = part.table.column(column)
            found[column].extend(kind.plain(cells[index], column, part.table) for index in part.indices)
    return found


def _targets(parts: Parts, rows: Sequence[RowSamples]) -> dict[str, list[Any]]:
    """Targets as the rivals take them, by answer: those that the model is measured with."""
    asked = dataclasses.replace(parts.processor, inputs=())
    names = list(asked.answers)
    found: dict[str, list[Any]] = {name: [] for name in names}
    for part in rows:
        cells = {name: part.table.column(name) for name in asked.columns_asked if name in part.table.columns}
        for index in part.indices:
            sample = asked.read({name: column[index] for name, column in cells.items()}, part.table)
            for name, target in zip(names, sample.targets, strict=True):
                found[name].append(None if target is None else asked.answers[name].plain(target))
    return found


def _named(task: ColumnTask[Any], rival: Rival) -> dict[str, float]:
    """Measures as the task calls them."""
    found = {
        task.measures.name(answer, measure): value
        for answer, measures in rival.measures.items()
        for measure, value in measures.items()
    }
    return task.summarize(found)
