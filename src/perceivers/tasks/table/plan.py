"""What each column of a table is taken for: guessed from its cells, overruled by the user, told before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any

import numpy as np

from perceivers.answers.base import Answer
from perceivers.answers.registry import answer_class, guess_answer
from perceivers.arguments.open import is_open
from perceivers.data.columns import why_no_data, why_no_numbers
from perceivers.data.frames import ColumnTable
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError
from perceivers.kinds.base import Kind, is_empty
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.registry import guess_kind, kind_class
from perceivers.tasks.columns import Columns, model_names
from perceivers.tasks.inputs import Input
from perceivers.tasks.strays import LookedThrough, look_through_columns
from perceivers.tasks.table.by_value import NOTE, columns_by_value
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.sizing import table_sizes

# Cells that hold whole files are looked at one by one; so many tell what they are.
FEW_CELLS = 64
# What a cell is that is small.
SMALL = str | int | float | bool | date | time | timedelta
# Letters of an example.
MOST_LETTERS = 40
# Rows that a stream is taken to have: nobody has counted them.
UNKNOWN_ROWS = 100_000


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
class TablePlan:
    """All columns of a table, in their order.

    Args:
        columns: what is said of each.
        chosen: the inputs and answers that follow.
        arguments: the user's, with what was left open of the network chosen from the rows.
        looked: columns of numbers and dates with what is taken for missing in them.
    """

    columns: tuple[ColumnPlan, ...]
    chosen: Columns
    arguments: TableArguments
    looked: Mapping[str, LookedThrough]


def plan_table(
    train: Table | StreamTable,
    arguments: TableArguments,
    *,
    group_column: str | None = None,
    needs_target: bool = True,
    takes_strays: bool = True,
) -> TablePlan:
    """Decide what each column of a training table is.

    Args:
        train: the rows.
        arguments: what the user named.
        group_column: column that is not read, because it says which rows stay in one part.
        needs_target: whether a table without any target is an error.
        takes_strays: whether single cells that are no number or date are taken for missing.

    Raises:
        DataError: a named column is absent, no column is a target or an input, or a target cannot be learned.
    """
    targets = _targets(train, arguments, needs_target)
    named = _named_kinds(train, arguments)
    for name in [*arguments.ignore, *filter(None, [group_column])]:
        _require_column(train, name, "ignore" if name in arguments.ignore else "group_column")
    plans: list[ColumnPlan] = []
    kinds: dict[str, type[Kind]] = {}
    answers: dict[str, Answer] = {}
    surveyed: dict[type[Kind], list[Kind]] = {}
    looked: dict[str, LookedThrough] = {}
    for name in train.columns:
        cells = _cells(train, name)
        filled = [cell for cell in cells if not is_empty(cell)]
        role, kind, note = "left out", "", ""
        if name in targets:
            answers[name] = _answer(name, targets[name], filled, train, arguments)
            stray = why_no_numbers(name, filled) if targets[name] is None and not answers[name].stray else ""
            role, kind, note = "target", answers[name].name, stray
        elif name == group_column:
            role = "group"
        elif name in arguments.ignore:
            note = "ignored, as asked for"
        elif not filled:
            note = "holds nothing"
        elif name in named:
            kinds[name] = named[name]
            role, kind = "input", named[name].name
        else:
            found = guess_kind(name, filled)
            note = "no kind of data takes such cells" if found is None else why_no_data(name, cells) or ""
            if found is not None and not note:
                kinds[name] = found
                role, kind, note = "input", found.name, why_no_numbers(name, filled)
        alone = ColumnTable({name: cells}, train.source, train.root)
        alone.decimal = train.decimal
        read: Columns | None = None
        if name in kinds:
            usual = kinds[name](kinds[name].options_class())
            if usual.stray(name):
                own = usual.survey(alone, (name,))
                surveyed.setdefault(kinds[name], []).append(own)
                note, read = own.column_note(name), Columns((Input("", (name,), own),), {})
        elif name in answers:
            read = Columns((), {name: answers[name]})
        if read is not None and (found_here := look_through_columns(alone, read, takes_strays=takes_strays)):
            looked |= found_here
            cells = looked[name].cleaned(cells)
            filled = [cell for cell in cells if not is_empty(cell)]
            note = "; ".join(filter(None, [note, looked[name].note]))
        plans.append(_said(name, role, kind, cells, filled, note))
    if not kinds:
        raise DataError(
            f"`{train.source}` must have a column to answer from beside {', '.join(targets)}, received "
            f"{', '.join(train.columns)}; --column NAME=KIND takes one that was left out"
        )
    num_rows = UNKNOWN_ROWS if isinstance(train, StreamTable) else len(train)
    asks_amounts = any(answer.is_quantity for answer in answers.values())
    # What is hidden of numbers and categories depends on the network, and the network on what the other kinds are.
    at_first = _made(kinds, train, num_rows, 0.0, surveyed)
    arguments = _with_by_value(arguments, at_first, answers, train, looked)
    guessed = list(at_first.values())
    sizes = table_sizes(
        num_rows,
        num_large=sum(not kind.is_light for kind in guessed),
        has_numbers_to_answer=asks_amounts,
        may_start_linear=all(kind.is_linear for kind in guessed)
        and not any(answer.selects for answer in answers.values()),
        has_linear_first=any(kind.is_linear_first for kind in guessed),
    )
    arguments = arguments.sized(sizes)
    answers = {
        name: answer if answer.selects else replace(answer, token_rate=arguments.token_rate)
        for name, answer in answers.items()
    }
    made = _made(kinds, train, num_rows, arguments.hidden or 0.0, surveyed)
    inputs = _inputs({name: _by_value(kind, arguments.by_value) for name, kind in made.items()})
    sets = {column: (each.modality(""), each.kind) for each in inputs for column in each.columns}
    answers = {name: answer.selecting(sets, train.source) for name, answer in answers.items()}
    notes = {name: answer.note() for name, answer in answers.items()} | dict.fromkeys(
        arguments.by_value, NOTE
    )
    plans = [replace(each, note="; ".join(filter(None, [notes.get(each.name), each.note]))) for each in plans]
    return TablePlan(tuple(plans), Columns(inputs, _named_answers(answers)), arguments, looked)


def _made(
    kinds: Mapping[str, type[Kind]],
    train: Table | StreamTable,
    num_rows: int,
    hidden: float,
    surveyed: Mapping[type[Kind], Sequence[Kind]],
) -> dict[str, Kind]:
    """Column -> its kind, with the options that suit its cells, and with what was found in them."""
    found: dict[str, Kind] = {}
    shared: dict[type[Kind], Kind] = {}
    for name, kind in kinds.items():
        if kind in shared:
            found[name] = shared[kind]
            continue
        cells = [cell for cell in _cells(train, name, FEW_CELLS) if not is_empty(cell)]
        own = kind(kind.advise(cells, train, num_rows, hidden))
        found[name] = own.with_surveys(surveyed.get(kind, ()))
        if found[name].gathers:
            shared[kind] = found[name]
    return found


def _with_by_value(
    arguments: TableArguments,
    kinds: Mapping[str, Kind],
    answers: Mapping[str, Answer],
    train: Table | StreamTable,
    looked: Mapping[str, LookedThrough],
) -> TableArguments:
    """These arguments with the columns of numbers that are told by their values, where the user left them open."""
    numbers = {name: kind for name, kind in kinds.items() if type(kind) is NumberKind}
    if not is_open(arguments, "by_value"):
        for name in arguments.by_value:
            if name not in numbers:
                raise DataError(
                    f"`by_value` must name columns of numbers that are read of `{train.source}`, received {name!r}; "
                    f"it has {', '.join(numbers) or 'none'}"
                )
        return arguments

    def cells(name: str) -> Sequence[Any]:
        own = _cells(train, name)
        return looked[name].cleaned(own) if name in looked else own

    num_bins = next((kind.options.number_bins for kind in numbers.values()), 0)
    return arguments.telling_by_value(columns_by_value(numbers, answers.values(), cells, train, num_bins))


def _by_value(kind: Kind, columns: Sequence[str]) -> Kind:
    """A kind that tells those of its columns by their values, too, if they are numbers."""
    if type(kind) is not NumberKind or not columns:
        return kind
    return replace(kind, options=replace(kind.options, number_by_value=tuple(columns)))


def _inputs(made: Mapping[str, Kind]) -> tuple[Input, ...]:
    """One input for all columns of a kind that gathers them, and one for every other column."""
    gathered: dict[str, list[str]] = {}
    for name, kind in made.items():
        gathered.setdefault(kind.several if kind.gathers else name, []).append(name)
    names = model_names(
        [*(key for key in gathered if key not in made), *(key for key in gathered if key in made)]
    )
    return tuple(Input(names[key], tuple(columns), made[columns[0]]) for key, columns in gathered.items())


def _named_answers(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    names = model_names(list(answers))
    return {names[column]: answer for column, answer in answers.items()}


def _targets(
    train: Table | StreamTable, arguments: TableArguments, needs_target: bool
) -> dict[str, str | None]:
    """Column of each target, and the kind of answer that was named for it, with =COLUMN where it selects of a column."""
    found: dict[str, str | None] = {}
    for given in arguments.target:
        name, _, kind = given.rpartition(":")
        if given in train.columns or not name:
            name, kind = given, ""
        _require_column(train, name, "target")
        kind, equals, among = kind.partition("=")
        if kind and equals and not answer_class(kind).selects:
            raise DataError(
                f"`target` {given!r} must not name a second column: a {kind} is none of its entities"
            )
        if kind:
            answer_class(kind)
            kind = f"{kind}{equals}{among}"
        found[name] = kind or None
    if not found and needs_target:
        raise DataError(
            f"`target` must name a column of `{train.source}`, received none; it has {', '.join(train.columns)}"
        )
    return found


def _named_kinds(train: Table | StreamTable, arguments: TableArguments) -> dict[str, type[Kind]]:
    found = {}
    for given in arguments.column:
        name, _, kind = given.rpartition("=")
        _require_column(train, name, "column")
        found[name] = kind_class(kind)
    return found


def _require_column(train: Table | StreamTable, name: str, argument: str) -> None:
    if name not in train.columns:
        raise DataError(
            f"`{argument}` must be a column of `{train.source}`, received {name!r}; it has {', '.join(train.columns)}"
        )


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


def _cells(train: Table | StreamTable, name: str, most: int | None = None) -> Sequence[Any]:
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


def _said(
    name: str, role: str, kind: str, cells: Sequence[Any], filled: Sequence[Any], note: str
) -> ColumnPlan:
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
