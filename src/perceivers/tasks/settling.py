"""What is learned of a table before training: each kind from its training values, and which rows have nothing to answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from perceivers.answers.base import Answer
from perceivers.data.evenly import spread_indices
from perceivers.data.rows import RowSamples, StreamSamples
from perceivers.data.splits import Splits
from perceivers.data.words import listed
from perceivers.errors import DataError
from perceivers.kinds.base import is_empty
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input


def settled(columns: Columns, train: Any) -> Columns:
    """The columns with what their kinds learn from training values.

    Args:
        columns: inputs and answers.
        train: the training part.

    Raises:
        DataError: a column that must be learned from holds nothing.
    """
    inputs = tuple(_settled_input(each, train) for each in columns.inputs)
    return dataclasses.replace(columns, inputs=inputs)


def with_targets(splits: Splits, asked: Sequence[str]) -> Splits:
    """The parts without the rows that have no target at all, which are counted.

    Args:
        splits: the parts; a stream stays as it is.
        asked: columns that hold the targets.
    """
    kept, without = {}, {}
    for part in ("train", "validation", "test"):
        samples = getattr(splits, part)
        if isinstance(samples, RowSamples):
            cells = [samples.table.column(name) for name in asked if name in samples.table.columns]
            rows = [
                place
                for place, index in enumerate(samples.indices)
                if not all(is_empty(cell[index]) for cell in cells)
            ]
            without[part] = len(samples) - len(rows)
            samples = samples.select(rows)
        kept[part] = samples
    return dataclasses.replace(splits, **kept, without_target=without)


def with_some_answer(splits: Splits, columns: Columns) -> Splits:
    """The parts without the rows that say nothing of what they are asked, which are counted.

    Unlike `with_targets` it is the answers that tell: an empty cell of several labels is none of them, and counts.

    Args:
        splits: the parts, whose rows can be read; a stream stays as it is.
        columns: their answers.

    Raises:
        DataError: no row of a part's table says anything.
    """
    kept, without = {}, {}
    for part in ("train", "validation", "test"):
        samples = getattr(splits, part)
        if isinstance(samples, RowSamples):
            says = _says_something(samples, columns)
            rows = [place for place, index in enumerate(samples.indices) if says(index)]
            if samples.indices and not rows and not any(map(says, range(len(samples.table)))):
                named = listed(map(repr, columns.columns_asked))
                raise DataError(
                    f"`{samples.table.source}` has no value in the column {named} of any row: rows without answers are for "
                    "`perceivers predict`"
                )
            without[part] = len(samples) - len(rows)
            samples = samples.select(rows)
        kept[part] = samples
    return dataclasses.replace(splits, **kept, without_target=without)


def _says_something(samples: RowSamples, columns: Columns) -> Callable[[int], bool]:
    """Whether the row at an index has a target of one of its answers."""
    table, answers = samples.table, list(columns.answers.values())
    names = {answer.column for answer in answers} | {answer.where[0] for answer in answers if answer.where}
    cells = {name: table.column(name) for name in names if name in table.columns}

    def says(index: int) -> bool:
        row = {name: column[index] for name, column in cells.items()}
        return any(
            answer.column in row and answer.asks(row) and _has_target(answer, row[answer.column])
            for answer in answers
        )

    return says


def _has_target(answer: Answer, cell: Any) -> bool:
    try:
        return answer.target(cell) is not None
    except DataError:
        # Of rows that cannot be read, which were told before.
        return True


def learned_from_training(columns: Columns, splits: Splits) -> tuple[Columns, Splits]:
    """Columns whose answers know the scale, or the balance, of the training rows alone, and the parts read so.

    Args:
        columns: answers that were settled on all rows that are not apart, of which some are held out now.
        splits: the parts; those of a stream stay as they are.
    """
    train = splits.train
    if not isinstance(train, RowSamples):
        return columns, splits
    answers = {}
    for name, answer in columns.answers.items():
        cells = train.table.column(answer.column)
        own = [cells[index] for index in train.indices if not is_empty(cells[index])]
        answers[name] = answer.learned_from(own, train.table.source) if own else answer
    if answers == columns.answers:
        return columns, splits
    columns = dataclasses.replace(columns, answers=answers)
    parts: dict[str, Any] = {}
    for part in ("train", "validation", "test"):
        samples = getattr(splits, part)
        if isinstance(samples, RowSamples):
            # What was read before stays: targets are what cells say, and not what is learned of them.
            decode = dataclasses.replace(samples.decode, columns=columns)  # type: ignore[type-var]
            samples = dataclasses.replace(samples, decode=decode)
        parts[part] = samples
    return columns, dataclasses.replace(splits, **parts)


def training_values(each: Input, train: Any, count: int | None) -> Iterator[Any]:
    """Values of one input in training samples, evenly spread over them; the first ones of a stream.

    Args:
        each: the input.
        train: the training part.
        count: how many; None for all.
    """
    if isinstance(train, StreamSamples):
        place = train.decode.columns.inputs.index(each)  # type: ignore[attr-defined]
        for _, sample in islice(train.samples(0), count):
            yield sample.values[place]
        return
    for index in spread_indices(len(train), len(train) if count is None else count):
        row = train.table[train.indices[index]]
        yield each.read(row, train.table, getattr(train.decode, "kept", None))


def _settled_input(each: Input, train: Any) -> Input:
    wanted = each.kind.settles_on
    if wanted == 0:
        return each
    values = [value for value in training_values(each, train, wanted) if value is not None]
    if not values:
        raise DataError(
            f"the column {', '.join(each.columns)} holds nothing in any training row: leave it out (--ignore)"
        )
    try:
        with each.telling():
            return dataclasses.replace(each, kind=each.kind.settle(values, each.columns))
    except DataError as error:
        raise DataError(f"`{train.table.source}`: {error}") from error
