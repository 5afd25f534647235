"""Single cells that are no number, or no date, in a column that holds nothing else: taken for missing, counted, told."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perceivers.data.numbers import NotationError
from perceivers.data.tables import StreamTable, Table, TableView
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY, is_empty
from perceivers.tasks.columns import Columns

# Strays that are named.
MOST_NAMED = 3
_LETTERS = 40


@dataclass(frozen=True)
class LookedThrough:
    """The cells of a column, looked through.

    Args:
        strays: texts that are no number, or no date, and are taken for missing.
        nothing: texts, and infinite numbers of a target, that stand for nothing.
        note: what people are told of them; "" where there is nothing to tell.
    """

    strays: frozenset[str] = frozenset()
    nothing: frozenset[Any] = frozenset()
    note: str = ""

    def cleaned(self, cells: Sequence[Any]) -> Sequence[Any]:
        """The cells with None for all that are missing."""
        missing = self.strays | self.nothing
        if not missing:
            return cells
        return [None if isinstance(cell, str | float | int) and cell in missing else cell for cell in cells]


def look_through(
    cells: Sequence[Any],
    read: Callable[[Any], Any],
    stray: str,
    *,
    is_target: bool = False,
    takes_strays: bool = True,
) -> LookedThrough:
    """Find the cells that cannot be read: at most 2 % of them, or a single one, are taken for missing.

    More are no slips of the pen, and stay what they are: errors, as are numbers and dates in another notation than was said,
    however few.

    Args:
        cells: of a column.
        read: from a cell to its number or date, None where it is missing; raises DataError for others.
        stray: what a cell is none of that cannot be read: "number".
        is_target: whether infinite numbers are missing: nobody can learn to answer them.
        takes_strays: whether strays are taken for missing; otherwise they stay what they are.
    """
    counts = Counter(cell for cell in cells if isinstance(cell, str | float | int))
    strays: Counter[str] = Counter()
    nothing: set[Any] = set()
    infinite = num_nothing = 0
    for cell, count in counts.items():
        try:
            value = read(cell)
        except NotationError:
            continue
        except DataError:
            if isinstance(cell, str):
                strays[cell] += count
            continue
        if value is None:
            num_nothing += count
            if isinstance(cell, str):
                nothing.add(cell)
        elif isinstance(value, float) and math.isinf(value):
            infinite += count
            if is_target:
                nothing.add(cell)
    filled = sum(not is_empty(cell) for cell in cells) - num_nothing
    number = strays.total()
    is_few = 0 < number <= max(int((1.0 - MOSTLY) * filled), 1) and number < filled
    notes = []
    if is_few and takes_strays:
        notes.append(_strays_in_words(strays, filled, stray))
    if infinite:
        what = "taken as missing" if is_target else "taken for the largest number, or the smallest"
        notes.append(f"{infinite:,} of {filled:,} cells {'is' if infinite == 1 else 'are'} infinite, {what}")
    taken = frozenset(strays) if is_few and takes_strays else frozenset()
    return LookedThrough(taken, frozenset(nothing), "; ".join(notes))


def look_through_columns(
    table: Table | StreamTable, columns: Columns, *, takes_strays: bool = True
) -> dict[str, LookedThrough]:
    """The same for each column of numbers and dates that is read or asked for, of those that the table has.

    Args:
        table: the rows.
        columns: inputs, surveyed, and answers.
        takes_strays: see `look_through`.
    """
    return {
        name: look_through(table.column(name), read, stray, is_target=is_target, takes_strays=takes_strays)
        for name, read, stray, is_target in _readers(columns, table)
        if name in table.columns
    }


def without_strays(table: Table | StreamTable, looked: Mapping[str, LookedThrough]) -> Table | StreamTable:
    """The table with None in the place of what is taken for missing; a stream's rows are read so."""
    if isinstance(table, StreamTable):
        table.as_missing = strays_of(looked)
        return table
    replaced = {
        name: found.cleaned(table.column(name))
        for name, found in looked.items()
        if found.strays or found.nothing
    }
    return TableView(table, range(len(table)), table.columns, replaced) if replaced else table


def strays_of(looked: Mapping[str, LookedThrough]) -> dict[str, frozenset[str]]:
    """The texts that are taken for missing, by column."""
    return {name: found.strays for name, found in looked.items() if found.strays}


def told(table: Table | StreamTable, looked: Mapping[str, LookedThrough]) -> list[str]:
    """A line for each column of which there is something to tell."""
    return [
        f"`{table.source}`, column {name!r}: {found.note}" for name, found in looked.items() if found.note
    ]


def _readers(columns: Columns, table: Any) -> Iterator[tuple[str, Callable[[Any], Any], str, bool]]:
    """Column, how a cell of it is read, what a cell is none of that cannot be, and whether it is a target."""
    for each in columns.inputs:
        for column in each.columns:
            stray = each.kind.stray(column)
            if stray:
                yield column, _reader(each.kind, column, table), stray, False
    for answer in columns.answers.values():
        if answer.stray:
            yield answer.column, answer.read, answer.stray, True


def _reader(kind: Any, column: str, table: Any) -> Callable[[Any], Any]:
    return lambda cell: kind.plain(cell, column, table)


def _strays_in_words(strays: Counter[str], filled: int, stray: str) -> str:
    number = strays.total()
    named = [repr(text[:_LETTERS]) for text, _ in strays.most_common(MOST_NAMED)]
    more = f" and {len(strays) - len(named):,} more" if len(strays) > len(named) else ""
    said = f"is no {stray}" if number == 1 else f"are no {stray}s"
    return f"{number:,} of {filled:,} cells {said} ({', '.join(named)}{more}), taken as missing"
