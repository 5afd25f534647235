"""What a table is read as and asked for: the guesses of all its columns, and the network that suits them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perceivers.answers.base import Answer
from perceivers.answers.one_class import OneClass
from perceivers.answers.registry import answer_class
from perceivers.arguments.open import is_open
from perceivers.data.tables import StreamTable, Table, doubt_of_names
from perceivers.errors import DataError
from perceivers.kinds.base import Kind, is_empty
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.registry import kind_class
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.model_names import model_names
from perceivers.tasks.strays import LookedThrough
from perceivers.tasks.table.by_value import NOTE, columns_by_value, first_of_each
from perceivers.tasks.table.column_options import chosen_together, options_by_column, with_chosen
from perceivers.tasks.table.guesses import (
    FEW_CELLS,
    ColumnPlan,
    Guess,
    Wishes,
    cells_of,
    guess_column,
    joined,
)
from perceivers.tasks.table.likely_labels import likely_labels_told
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.sizing import MANY_NAMES, ROWS_OF_NAME, count_large, learned_alone, table_sizes

# Rows that a stream is taken to have: nobody has counted them.
UNKNOWN_ROWS = 100_000


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
    wishes = wishes_of(
        train, arguments, group_column=group_column, needs_target=needs_target, takes_strays=takes_strays
    )
    guesses = {name: guess_column(train, name, wishes) for name in train.columns}
    kinds = {name: each.kind for name, each in guesses.items() if each.kind is not None}
    answers = {name: each.answer for name, each in guesses.items() if each.answer is not None}
    looked = {name: each.looked for name, each in guesses.items() if each.looked is not None}
    surveyed = [each.survey for each in guesses.values() if each.survey is not None]
    if not kinds:
        raise DataError(
            f"`{train.source}` must have a column to answer from beside {', '.join(wishes.targets)}, received "
            f"{', '.join(train.columns)}; --column NAME=KIND takes one that was left out"
        )
    num_rows = UNKNOWN_ROWS if isinstance(train, StreamTable) else len(train)
    asks_amounts = any(answer.is_quantity for answer in answers.values())
    # What is hidden of numbers and categories depends on the network, and the network on what the other kinds are.
    chosen = options_by_column(arguments.column_options, kinds, train.source)
    at_first = _made(kinds, train, num_rows, 0.0, surveyed, chosen)
    arguments = _with_by_value(arguments, at_first, answers, train, looked, group_column)
    guessed = list(at_first.values())
    has_many_names = _has_many_names(guesses, arguments.by_value)
    num_large = count_large(guessed, has_numbers_to_answer=asks_amounts)
    sizes = table_sizes(
        num_rows,
        num_large=num_large,
        has_numbers_to_answer=asks_amounts,
        may_start_linear=num_large == 0
        and all(kind.is_linear for kind in guessed)
        and not any(answer.selects for answer in answers.values()),
        has_linear_first=has_many_names or any(kind.is_linear_first for kind in guessed),
    )
    arguments = arguments.sized(sizes, learned_alone(guessed, num_rows, has_numbers_to_answer=asks_amounts))
    answers = {
        name: answer if answer.selects else replace(answer, token_rate=arguments.token_rate)
        for name, answer in answers.items()
    }
    made = _made(kinds, train, num_rows, arguments.hidden or 0.0, surveyed, chosen)
    if has_many_names and arguments.linear_start:
        made = {name: _with_rare_names(kind, chosen.values()) for name, kind in made.items()}
    inputs = _inputs({name: _by_value(kind, arguments.by_value) for name, kind in made.items()})
    sets = {column: (each.modality(""), each.kind) for each in inputs for column in each.columns}
    answers = {name: answer.selecting(sets, train.source) for name, answer in answers.items()}
    notes = {name: answer.note() for name, answer in answers.items()} | dict.fromkeys(
        arguments.by_value, NOTE
    )
    for name, answer in answers.items():
        if type(answer) is OneClass and wishes.targets[name] is None:
            notes[name] = joined(notes[name], likely_labels_told(name, answer.names))
    plans = (
        replace(each.said, note=joined(notes.get(name, ""), each.said.note)) for name, each in guesses.items()
    )
    return TablePlan(tuple(plans), Columns(inputs, _named_answers(answers)), arguments, looked)


def wishes_of(
    train: Table | StreamTable,
    arguments: TableArguments,
    *,
    group_column: str | None = None,
    needs_target: bool = True,
    takes_strays: bool = True,
) -> Wishes:
    """What the user said of the columns; arguments and errors as in `plan_table`."""
    targets = _targets(train, arguments, needs_target)
    named = _named_kinds(train, arguments)
    for name in [*arguments.ignore, *filter(None, [group_column])]:
        _require_column(train, name, "ignore" if name in arguments.ignore else "group_column")
    return Wishes(arguments, targets, named, group_column, takes_strays)


def _made(
    kinds: Mapping[str, type[Kind]],
    train: Table | StreamTable,
    num_rows: int,
    hidden: float,
    surveyed: Sequence[Kind],
    chosen: Mapping[str, Mapping[str, Any]],
) -> dict[str, Kind]:
    """Column -> its kind, with the options that were chosen or suit its cells, and with what was found in them."""
    found: dict[str, Kind] = {}
    shared: dict[type[Kind], Kind] = {}
    for name, kind in kinds.items():
        if kind in shared:
            found[name] = shared[kind]
            continue
        cells = [cell for cell in cells_of(train, name, FEW_CELLS) if not is_empty(cell)]
        advised = kind.advise(cells, train, num_rows, hidden, chosen.get(name, {}))
        gathers = kind(advised).gathers
        together = [each for each in kinds if kinds[each] is kind] if gathers else [name]
        own = kind(with_chosen(kind, advised, chosen_together(chosen, together), together))
        found[name] = own.with_surveys([each for each in surveyed if type(each) is kind])
        if gathers:
            shared[kind] = found[name]
    return found


def _with_by_value(
    arguments: TableArguments,
    kinds: Mapping[str, Kind],
    answers: Mapping[str, Answer],
    train: Table | StreamTable,
    looked: Mapping[str, LookedThrough],
    group_column: str | None,
) -> TableArguments:
    """These arguments with the columns of numbers that are told by their values, where the user left them open.

    Where rows belong to groups, which parts do not share, one row of each is looked at: what tells groups apart tells nothing
    of others.
    """
    numbers = {name: kind for name, kind in kinds.items() if type(kind) is NumberKind}
    if not is_open(arguments, "by_value"):
        for name in arguments.by_value:
            if name not in numbers:
                raise DataError(
                    f"`by_value` must name columns of numbers that are read of `{train.source}`, received {name!r}; "
                    f"it has {', '.join(numbers) or 'none'}"
                )
        return arguments

    first = None if group_column is None else first_of_each(cells_of(train, group_column))

    def cells(name: str) -> Sequence[Any]:
        own = cells_of(train, name)
        own = looked[name].cleaned(own) if name in looked else own
        return own if first is None else [own[row] for row in first]

    num_bins = next((kind.options.number_bins for kind in numbers.values()), 0)
    return arguments.telling_by_value(columns_by_value(numbers, answers.values(), cells, train, num_bins))


def _by_value(kind: Kind, columns: Sequence[str]) -> Kind:
    """A kind that tells those of its columns by their values, too, if they are numbers."""
    if type(kind) is not NumberKind or not columns:
        return kind
    return replace(kind, by_value=tuple(columns))


def _has_many_names(guesses: Mapping[str, Guess], by_value: Sequence[str]) -> bool:
    """Whether categories of a column, or numbers that are told by their values, are so many that most come seldom."""
    return any(
        (each.said.distinct or 0) >= MANY_NAMES
        for name, each in guesses.items()
        if each.kind is CategoryKind or name in by_value
    )


def _with_rare_names(kind: Kind, chosen: Iterable[Mapping[str, Any]]) -> Kind:
    """A kind that learns categories of few rows, too, unless the user has said how many they must have."""
    if not isinstance(kind, CategoryKind) or any("category_rows" in each for each in chosen):
        return kind
    return replace(kind, options=replace(kind.options, category_rows=ROWS_OF_NAME))


def _inputs(made: Mapping[str, Kind]) -> tuple[Input, ...]:
    """One input for all columns of a kind that gathers them, and one for every other column."""
    gathered: dict[str, list[str]] = {}
    for name, kind in made.items():
        gathered.setdefault(kind.several if kind.gathers else name, []).append(name)
    names = model_names(
        [*(key for key in gathered if key not in made), *(key for key in gathered if key in made)]
    )
    return tuple(
        Input(names[key], tuple(columns), made[columns[0]], by_column=True)
        for key, columns in gathered.items()
    )


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
        told = "".join(f"; {note}" for note in train.notes if repr(name) in note)
        raise DataError(
            f"`{argument}` must be a column of `{train.source}`, received {name!r}; it has {', '.join(train.columns)}"
            f"{doubt_of_names(train)}{told}"
        )
