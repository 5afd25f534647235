"""A run beside simple methods on the same samples: boosted trees or what fits its kind of value, and a trivial answer."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.data.rows import RowSamples
from perceivers.data.splits import JoinedSamples
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.rivals.features import READABLE
from perceivers.rivals.majority import beside_majority
from perceivers.rivals.reading import MOST_ASKED, MOST_SECONDS
from perceivers.rivals.simple import MOST_ROWS, beside_simple
from perceivers.rivals.targets import Rival
from perceivers.rivals.trees import beside_trees
from perceivers.tasks.base import Parts, Task
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.inputs import Input

RIVALS = ("trees", "auto")
# A comparison at the end of a run is to take seconds: rows that trees are fitted to.
MOST_FOR_TREES = 10_000


def measure_rivals(
    task: Task[Any], parts: Parts, train: Any, asked: Any, *, beside: str, seed: int = 0
) -> dict[str, Any]:
    """Fit simple methods to the rows that a model was trained on, and measure them on others.

    The methods should have the rows that the weights were fitted to: of a run with divisions (`folds`) the validation rows,
    too; of another one these have only chosen and calibrated the model.

    Args:
        task: of columns.
        parts: the trained model's; its columns and answers are what the methods read and answer.
        train: the rows that the methods are fitted to.
        asked: the rows to measure on.
        beside: "trees"; "auto" is `cheap_rival`.
        seed: of whatever the trees draw.

    Returns:
        `method`: what `trees` are called here; `trees` and `majority`: measures by the names that the task gives them;
        `training_samples`: how many rows they were fitted to; `read` and `ignored`: columns that trees can read, and those
        that they cannot. Of "auto": see `cheap_rival`.

    Raises:
        ConfigurationError: an unknown name; a task that does not answer columns; no column that trees can read; no simple
            method, or nothing that it can read.
        DataError: the rows are a stream.
        MissingExtraError: a package that the method needs is not installed.
    """
    if beside not in RIVALS:
        raise ConfigurationError(f"`beside` must be {', '.join(RIVALS)}, received {beside!r}")
    if beside == "auto":
        found = cheap_rival(task, parts, train, asked, seed=seed)
        if found is None:
            raise ConfigurationError(_no_rival(task))
        return found
    if not isinstance(task, ColumnTask):
        raise ConfigurationError(
            f"`beside` {beside} needs a run whose answers come from columns, received one of {task.name}"
        )
    if all(answer.selects for answer in parts.processor.answers.values()):
        raise ConfigurationError(
            f"`beside` {beside} needs an answer that is alike in all rows, received only entities of sets: "
            + ", ".join(answer.column for answer in parts.processor.answers.values())
        )
    kinds = {column: each.kind for each in parts.processor.inputs for column in each.columns}
    if not any(kind.name in READABLE for kind in kinds.values()):
        raise ConfigurationError(
            f"`beside` {beside} needs a column that trees can read ({', '.join(READABLE)}), received only "
            + ", ".join(f"{column} ({kind.name})" for column, kind in kinds.items())
        )
    fitted, measured = _rows(train), _rows(asked)
    readable = {column: kind for column, kind in kinds.items() if kind.name in READABLE}
    targets = _targets_of(parts, fitted, measured)
    trees = beside_trees(
        _cells(readable, fitted),
        _cells(readable, measured),
        {column: kind.name for column, kind in kinds.items()},
        targets,
        seed,
    )
    return {
        "method": "trees",
        "trees": _named(task, trees),
        "majority": _named(task, beside_majority(targets)),
        "training_samples": sum(map(len, fitted)),
        "read": list(trees.read),
        "ignored": list(trees.ignored),
    }


def cheap_rival(
    task: Task[Any], parts: Parts, train: Any, asked: Any, *, seed: int = 0
) -> dict[str, Any] | None:
    """The cheap method that fits the run's inputs, beside a majority answer, within seconds.

    One column of a kind that offers a simple form is read in this; columns that trees can read are given to trees. Rows are
    evenly drawn where there are many.

    Args:
        task: of the run.
        parts: the trained model's.
        train: the run's training part.
        asked: the rows to measure on.
        seed: of what is drawn.

    Returns:
        `method`: its title; by this title, and by `majority`, measures; `training_samples` and `samples`: rows that it was
        fitted to and measured on; `seconds`. Of a task without columns what `Task.stand_beside` gives, and `seconds`. None
        where nothing fits: a stream, a task that has no method.

    Raises:
        MissingExtraError: a package that the method needs is not installed.
    """
    if not isinstance(task, ColumnTask):
        began = time.monotonic()
        own = task.stand_beside(parts, train, asked)
        return None if own is None else {**own, "seconds": round(time.monotonic() - began, 1)}
    if all(answer.selects for answer in parts.processor.answers.values()):
        return None
    try:
        fitted, measured = _rows(train), _rows(asked)
    except DataError:
        return None
    began = time.monotonic()
    generator = np.random.default_rng(seed)
    inputs = parts.processor.inputs
    form = inputs[0].kind.simple_form if len(inputs) == 1 else None
    kinds = {column: each.kind for each in inputs for column in each.columns}
    readable = {column: kind for column, kind in kinds.items() if kind.name in READABLE}
    if form is None and not readable:
        targets = _targets_of(parts, fitted, measured)
        found, method = {}, "majority"
    elif form is None:
        if sum(map(len, fitted)) > MOST_FOR_TREES:
            # All of fewer rows stay in their order, in which `evaluate --beside trees` has them, too.
            fitted = _drawn(fitted, MOST_FOR_TREES, generator)
        targets = _targets_of(parts, fitted, measured)
        cells = _cells(readable, fitted), _cells(readable, measured)
        method = "trees"
        found = {
            method: beside_trees(*cells, {name: kind.name for name, kind in kinds.items()}, targets, seed)
        }
    else:
        ended = began + MOST_SECONDS
        measured, truths = _simplified(inputs[0], _drawn(measured, MOST_ASKED, generator), ended)
        fitted, values = _simplified(inputs[0], _drawn(fitted, MOST_ROWS[form.form], generator), ended)
        if not values or not truths:
            return None
        targets = _targets_of(parts, fitted, measured)
        method = form.titled([answer for answer, _, _ in targets.values()])
        found = {method: beside_simple(form.form, values, truths, targets, seed)}
    found["majority"] = beside_majority(targets)
    return {
        "method": method,
        **{name: _named(task, rival) for name, rival in found.items()},
        "training_samples": sum(map(len, fitted)),
        "samples": sum(map(len, measured)),
        "seconds": round(time.monotonic() - began, 1),
    }


def _no_rival(task: Task[Any]) -> str:
    """Why a run stands beside nothing."""
    if not isinstance(task, ColumnTask) and type(task).stand_beside is Task.stand_beside:
        return f"`beside` auto has no simple method for a run of {task.name}"
    return (
        f"`beside` auto found nothing for a run of {task.name} that a simple method can read: it needs training samples and "
        "samples to be measured on, and of a stream none can be read again"
    )


def _drawn(parts: Sequence[RowSamples], most: int, generator: np.random.Generator) -> list[RowSamples]:
    """At most so many rows, in an order that leaves any beginning of them evenly drawn."""
    found = []
    total = sum(map(len, parts))
    for part in parts:
        count = min(len(part), math.ceil(most * len(part) / max(total, 1)))
        found.append(part.select(generator.permutation(len(part))[:count].tolist()))
    return found


def _simplified(only: Input, parts: Sequence[RowSamples], ended: float) -> tuple[list[RowSamples], list[Any]]:
    """Values in their simple form, with the rows that they are of: as many as can be read until `ended`."""
    rows: list[RowSamples] = []
    values: list[Any] = []
    for part in parts:
        kept = []
        for place, index in enumerate(part.indices):
            if time.monotonic() > ended and values:
                break
            try:
                value = only.kind.simplified(part.table[index], only.columns, part.table)
            except DataError:
                # The run has stopped at it, or left it out.
                continue
            if value is not None:
                kept.append(place)
                values.append(value)
        rows.append(part.select(kept))
    return rows, values


def _targets_of(
    parts: Parts, fitted: Sequence[RowSamples], measured: Sequence[RowSamples]
) -> dict[str, tuple[str, list[Any], list[Any]]]:
    """Of the answers that are alike in all rows: a simple method cannot select of sets of any size."""
    known, truth = _targets(parts, fitted), _targets(parts, measured)
    return {
        name: (answer.head_type, known[name], truth[name])
        for name, answer in parts.processor.answers.items()
        if not answer.selects
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
