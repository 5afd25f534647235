"""Single cells that are no number, or no date, in a column that holds nothing else: taken for missing, counted, told."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perceivers.data.numbers import NotationError
from perceivers.data.tables import StreamTable, Table, TableView
from perceivers.data.words import listed
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY, is_empty
from perceivers.tasks.columns import Columns

# Strays that are named, and letters of each.
MOST_NAMED, MOST_LETTERS = 3, 40
# Of the share of so many cells.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class LookedThrough:
    """The cells of a column, looked through.

    Args:
        stray: what a cell is none of that cannot be read: "number".
        strays: texts that are none, with their numbers of cells.
        nothing: texts, and infinite numbers of a target, that stand for nothing.
        filled: cells that do not.
        infinite: cells that are infinite.
        is_target: whether these are missing: nobody can learn to answer them.
        takes_strays: whether `strays` are taken for missing; otherwise they stay what they are, errors.
        known: strays that are taken for missing in any case: they were in the rows that the model was trained on.
    """

    stray: str
    strays: Mapping[str, int]
    nothing: frozenset[Any]
    filled: int
    infinite: int
    is_target: bool
    takes_strays: bool
    known: frozenset[str] = frozenset()

    @property
    def taken(self) -> dict[str, int]:
        """The strays that are taken for missing, with their numbers of cells."""
        return {text: count for text, count in self.strays.items() if self.takes_strays or text in self.known}

    @property
    def missing(self) -> frozenset[Any]:
        """All that is read as if its cell were empty."""
        return self.nothing | frozenset(self.taken)

    @property
    def note(self) -> str:
        """What people are told; "" where there is nothing to tell."""
        notes = []
        if self.taken:
            number = sum(self.taken.values())
            named = _named(self.taken)
            said = f"is no {self.stray}" if number == 1 else f"are no {self.stray}s"
            notes.append(f"{number:,} of {self.filled:,} cells {said} ({named}), taken as missing")
        if self.infinite:
            are = "is" if self.infinite == 1 else "are"
            what = "taken as missing" if self.is_target else "taken for the largest number, or the smallest"
            notes.append(f"{self.infinite:,} of {self.filled:,} cells {are} infinite, {what}")
        return "; ".join(notes)

    def cleaned(self, cells: Sequence[Any]) -> Sequence[Any]:
        """The cells with None for all that are missing."""
        missing = self.missing
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
    known: frozenset[str] = frozenset(),
) -> LookedThrough:
    """Find the cells that cannot be read: at most 2 % of them are taken for missing.

    More are no slips of the pen, and stay what they are: errors, as are numbers and dates in another notation than was said,
    however few.

    Args:
        cells: of a column.
        read: from a cell to its number or date, None where it is missing; raises DataError for others.
        stray: see LookedThrough.
        is_target: see LookedThrough.
        takes_strays: whether a few strays are taken for missing.
        known: see LookedThrough.
    """
    counts = Counter(cell for cell in cells if isinstance(cell, str))
    strays: Counter[str] = Counter()
    nothing: set[Any] = set()
    # Of numbers, of which there may be millions, only these can be anything but what they say.
    infinities: Counter[Any] = Counter(cell for cell in cells if isinstance(cell, float) and math.isinf(cell))
    num_nothing = 0
    for text, count in counts.items():
        try:
            value = read(text)
        except NotationError:
            continue
        except DataError:
            strays[text] = count
            continue
        if value is None:
            num_nothing += 0 if is_empty(text) else count
            nothing.add(text)
        elif isinstance(value, float) and math.isinf(value):
            infinities[text] = count
    if is_target:
        nothing |= infinities.keys()
    infinite = infinities.total()
    filled = sum(not is_empty(cell) for cell in cells) - num_nothing
    found = LookedThrough(stray, strays, frozenset(nothing), filled, infinite, is_target, takes_strays, known)
    return decided([found], takes_strays=takes_strays)[0]


def decided(parts: Sequence[LookedThrough], *, takes_strays: bool) -> list[LookedThrough]:
    """The same column of several tables: in all of them together, strays that nobody knows are few, or stay errors."""
    unknown = sum(count for each in parts for text, count in each.strays.items() if text not in each.known)
    is_few = unknown <= (1.0 - MOSTLY) * sum(each.filled for each in parts) + _ROUNDING
    if not takes_strays:
        return [replace(each, takes_strays=False, known=frozenset()) for each in parts]
    return [replace(each, takes_strays=is_few) for each in parts]


def look_through_columns(
    table: Table | StreamTable, columns: Columns, *, takes_strays: bool = True
) -> dict[str, LookedThrough]:
    """The same for each column of numbers and dates that is read or asked for, of those that the table has.

    Args:
        table: the rows.
        columns: inputs, surveyed, and answers.
        takes_strays: see `look_through`.
    """
    found = {}
    for name, read, stray, is_target, known in _readers(columns, table):
        if name not in table.columns:
            continue
        # Where numbers are read as they are, and there is nothing else, no cell needs a look.
        count = table.count_numbers(name) if isinstance(table, Table) and _takes_numbers(read) else None
        if count is None:
            found[name] = look_through(
                table.column(name), read, stray, is_target=is_target, takes_strays=takes_strays, known=known
            )
        else:
            found[name] = LookedThrough(stray, {}, frozenset(), count, 0, is_target, takes_strays)
    return found


def decided_together(
    parts: Mapping[str, Mapping[str, LookedThrough]], *, takes_strays: bool
) -> dict[str, dict[str, LookedThrough]]:
    """Columns of each part of a data set, see `decided`."""
    found: dict[str, dict[str, LookedThrough]] = {part: {} for part in parts}
    for name in dict.fromkeys(name for looked in parts.values() for name in looked):
        own = {part: looked[name] for part, looked in parts.items() if name in looked}
        for part, each in zip(own, decided(list(own.values()), takes_strays=takes_strays), strict=True):
            found[part][name] = each
    return found


def without_strays(table: Table | StreamTable, looked: Mapping[str, LookedThrough]) -> Table | StreamTable:
    """The table with None in the place of what is taken for missing; a stream's rows are read so."""
    if isinstance(table, StreamTable):
        table.as_missing = strays_of(looked)
        return table
    replaced = {name: found.cleaned(table.column(name)) for name, found in looked.items() if found.missing}
    return TableView(table, range(len(table)), table.columns, replaced) if replaced else table


def strays_of(looked: Mapping[str, LookedThrough]) -> dict[str, frozenset[str]]:
    """The texts that are taken for missing, by column."""
    return {name: frozenset(found.taken) for name, found in looked.items() if found.taken}


def strays_of_all(parts: Mapping[str, Mapping[str, LookedThrough]]) -> dict[str, frozenset[str]]:
    """The same of all parts of a data set together."""
    found: dict[str, frozenset[str]] = {}
    for looked in parts.values():
        for name, own in strays_of(looked).items():
            found[name] = found.get(name, frozenset()) | own
    return found


def told(table: Table | StreamTable, looked: Mapping[str, LookedThrough]) -> list[str]:
    """A line for each column of which there is something to tell."""
    return [
        f"`{table.source}`, column {name!r}: {found.note}" for name, found in looked.items() if found.note
    ]


def _readers(
    columns: Columns, table: Any
) -> Iterator[tuple[str, Callable[[Any], Any], str, bool, frozenset[str]]]:
    """Column, how a cell of it is read, what a cell is none of that cannot be, whether it is a target, and known strays."""
    for each in columns.inputs:
        for column in each.columns:
            stray = each.kind.stray(column)
            if stray:
                known = each.strays.get(column, frozenset())
                yield column, _reader(each.kind, column, table), stray, False, known
    for answer in columns.answers.values():
        if answer.stray:
            yield answer.column, answer.read, answer.stray, True, frozenset()


def _takes_numbers(read: Callable[[Any], Any]) -> bool:
    try:
        return read(0.5) is not None
    except DataError:
        return False


def _reader(kind: Any, column: str, table: Any) -> Callable[[Any], Any]:
    return lambda cell: kind.plain(cell, column, table)


def _named(strays: Mapping[str, int]) -> str:
    """The most frequent ones in quotes, and how many others there are."""
    often = sorted(strays, key=lambda text: (-strays[text], text))
    return listed((repr(text[:MOST_LETTERS]) for text in often), MOST_NAMED)
