"""What a column of a table is taken for: guessed from its cells, or named by the user; and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.answers.base import Answer
from perceivers.answers.registry import answer_class, guess_answer
from perceivers.data.columns import why_no_data
from perceivers.data.day_order import why_no_order
from perceivers.data.frames import ColumnTable
from perceivers.data.nearly_numbers import why_no_numbers
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError
from perceivers.kinds.base import Kind, is_empty
from perceivers.kinds.registry import guess_kind
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.strays import LookedThrough, look_through_columns
from perceivers.tasks.table.column_options import options_of, with_chosen
from perceivers.tasks.table.nearly_files import why_no_files
from perceivers.tasks.table.options import TableArguments

# Cells that hold whole files are looked at one by one; so many tell what they are.
FEW_CELLS = 64
# What a cell is that is small.
SMALL = str | int | float | bool | date | time | timedelta
# Letters of an example.
MOST_LETTERS = 40


@dataclass(frozen=True)
class ColumnPlan:
    """One column of a table.

    Args:
        name: of the column.
        role: "input", "target", "group" or "left out".
        kind: what it holds, or what is answered; "" where it is left out.
        missing: share of the rows without a value, in [0, 1].
        distinct: number of different values; None where they are not counted.
        example: one of its cells, shortened.
        note: why it is left out, or what else is to be known of it.
    """

    name: str
    role: str
    kind: str
    missing: float
    distinct: int | None
    example: str
    note: str = ""


@dataclass(frozen=True)
class Wishes:
    """What the user said of the columns.

    Args:
        arguments: all of it.
        targets: column of each target, and the kind of answer that was named for it.
        named: column -> kind, where one was named.
        group_column: column that is not read, because it says which rows stay in one part.
        takes_strays: whether single cells that are no number or date are taken for missing.
    """

    arguments: TableArguments
    targets: Mapping[str, str | None]
    named: Mapping[str, type[Kind]]
    group_column: str | None
    takes_strays: bool


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    Args:
        said: what people are told of it.
        kind: what it holds, of an input.
        answer: what is asked, of a target.
        survey: the usual kind with what its cells tell, of an input that has them looked through.
        looked: what is taken for missing in it; None where that is not looked for.
    """

    said: ColumnPlan
    kind: type[Kind] | None = None
    answer: Answer | None = None
    survey: Kind | None = None
    looked: LookedThrough | None = None


def guess_column(train: Table | StreamTable, name: str, wishes: Wishes) -> Guess:
    """Decide what a column is.

    Args:
        train: the rows.
        name: of the column.
        wishes: what the user said.

    Raises:
        DataError: a target cannot be learned.
    """
    cells = cells_of(train, name)
    filled = [cell for cell in cells if not is_empty(cell)]
    kind: type[Kind] | None = None
    answer: Answer | None = None
    note = ""
    if name in wishes.targets:
        answer = _answer(name, wishes.targets[name], filled, train, wishes.arguments)
        note = why_no_numbers(name, filled) if wishes.targets[name] is None and not answer.stray else ""
    elif name == wishes.group_column:
        pass
    elif name in wishes.arguments.ignore:
        note = "ignored, as asked for"
    else:
        kind, note = _kind(name, cells, filled, wishes.named, train.root)
    survey, looked = _looked_through(train, name, cells, kind, answer, wishes)
    if survey is not None:
        note = survey.column_note(name)
    if looked is not None:
        cells = looked.cleaned(cells)
        note = joined(note, looked.note)
    role = "target" if answer else "input" if kind else "group" if name == wishes.group_column else "left out"
    found = answer or kind
    return Guess(_said(name, role, found.name if found else "", cells, note), kind, answer, survey, looked)


def joined(*notes: str) -> str:
    """Notes as one, without the empty ones."""
    return "; ".join(filter(None, notes))


def _kind(
    name: str,
    cells: Sequence[Any],
    filled: Sequence[Any],
    named: Mapping[str, type[Kind]],
    root: Path | None,
) -> tuple[type[Kind] | None, str]:
    """What a column holds, None where it is left out, and what is to be known of it."""
    if not filled:
        return None, "holds nothing"
    if name in named:
        return named[name], ""
    found = guess_kind(name, filled)
    if found is None:
        return None, "no kind of data takes such cells"
    left_out = why_no_data(name, cells)
    if left_out:
        return None, left_out
    return found, why_no_numbers(name, filled) or why_no_order(filled) or why_no_files(
        name, filled, root, found
    )


def _looked_through(
    train: Table | StreamTable,
    name: str,
    cells: Sequence[Any],
    kind: type[Kind] | None,
    answer: Answer | None,
    wishes: Wishes,
) -> tuple[Kind | None, LookedThrough | None]:
    """A column of numbers or dates: the kind with what its cells tell, and what is taken for missing among them."""
    alone = ColumnTable({name: cells}, train.source, train.root)
    alone.decimal = train.decimal
    usual = None if kind is None else kind(kind.options_class())
    survey = None
    if kind is not None and usual is not None and usual.stray(name):
        own = options_of(name, wishes.arguments.column_options, kind, train)
        survey = kind(with_chosen(kind, usual.options, own, (name,))).survey(alone, (name,))
    inputs = () if survey is None else (Input("", (name,), survey),)
    columns = Columns(inputs, {} if answer is None else {name: answer})
    return survey, look_through_columns(alone, columns, takes_strays=wishes.takes_strays).get(name)


def _answer(
    name: str, kind: str | None, filled: Sequence[Any], train: Table | StreamTable, arguments: TableArguments
) -> Answer:
    if not filled:
        raise DataError(
            f"`{train.source}` must have values in the column {name!r}, received empty cells alone"
        )
    kind, _, among = (kind or "").partition("=")
    chosen = answer_class(kind) if kind else guess_answer(filled)
    options = {
        "among": among,
        "num_queries": arguments.queries_per_answer,
        "balance": arguments.balance == "classes",
        "separator": arguments.label_separator,
        "quantiles": arguments.quantiles,
        "decimal": getattr(train, "decimal", "point"),
    }
    return chosen.chosen(name, options).settle(filled, train.source)


def cells_of(train: Table | StreamTable, name: str, most: int | None = None) -> Sequence[Any]:
    """The cells of a column, or at most so many, evenly spread; of one that holds whole files, FEW_CELLS at most."""
    if isinstance(train, StreamTable):
        return train.column(name)[:most]
    is_small = isinstance(train[0][name], SMALL | None)
    if is_small and most is None:
        return train.column(name)
    step = max(len(train) // (most or FEW_CELLS), 1)
    indices = range(0, len(train), step)
    if is_small:
        cells = train.column(name)
        return [cells[index] for index in indices]
    return [train[index][name] for index in indices]


def _in_words(cell: Any) -> str:
    """A cell that holds a whole file or array by what it is, any other by what it says."""
    if isinstance(cell, np.ndarray):
        return f"{cell.dtype} {list(cell.shape)}"
    if isinstance(cell, Mapping):
        return f"mapping of {', '.join(map(str, cell))}"
    return f"{len(cell):,} bytes" if isinstance(cell, bytes) else str(cell)


def _said(name: str, role: str, kind: str, cells: Sequence[Any], note: str) -> ColumnPlan:
    filled = [cell for cell in cells if not is_empty(cell)]
    countable = all(isinstance(cell, SMALL) for cell in filled)
    example = _in_words(filled[0])[:MOST_LETTERS] if filled else ""
    return ColumnPlan(
        name,
        role,
        kind,
        1.0 - len(filled) / max(len(cells), 1),
        len(set(filled)) if countable else None,
        " ".join(example.split()),
        note,
    )
