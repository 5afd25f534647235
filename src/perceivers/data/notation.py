"""Which notation of numbers a table has, told from those of its cells that can be read in one way alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perceivers.data.numbers import Decimal, is_missing, is_missing_word, looks_like_number
from perceivers.data.numbers import number_of as plain_number_of
from perceivers.data.some_cells import SomeCells
from perceivers.data.tables import StreamTable, Table
from perceivers.data.unit_columns import unit_form_of
from perceivers.data.units import measured
from perceivers.errors import DataError

NOTATIONS: tuple[Decimal, ...] = ("point", "comma", "grouped")
# What somebody may say of the notation of a table: "auto" is what its cells say.
Asked = Literal["auto"] | Decimal
ASKED: tuple[Asked, ...] = ("auto", *NOTATIONS)
# In which notations a cell can be meant, by what `_meanings` calls it.
_MEANT_BY: Mapping[str, frozenset[Decimal]] = {
    "comma": frozenset({"comma"}),
    "grouped": frozenset({"grouped"}),
    "signed": frozenset({"grouped"}),
    "either": frozenset({"comma", "grouped"}),
    "point": frozenset({"point", "grouped"}),
    "thousands": frozenset({"point", "grouped"}),
}
# Share of a column's cells that must be numbers, so that a text with a few of them says nothing.
MOSTLY = 0.98
# 1.234 may be a thousand and more to whoever writes it; 12.5 may not.
_MAY_BE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
# Signs that stand before a number in languages that divide thousands by commas: English (dollars, pounds, rupees), Japanese
# and Chinese (yen, yuan), Korean (won). Money in them has two decimals or none, never three, so that $1,234 is no fraction.
# Not the euro: fuel is sold at 1,459 a litre, and most who write it have a decimal comma. Nor R$, which is Brazil's, nor any
# sign or code behind a number, as 1,234 $ or 1,234 USD: that is how French, German and Spanish write, and rates of exchange.
_DIVIDING_SIGN = re.compile(r"(?:US|AU|A|CA|C|HK|NZ|NT|S)?\$|[\u00a3\u00a5\u20b9\u20a9]")


@dataclass(frozen=True)
class Notation:
    """How a table writes its numbers.

    Args:
        decimal: see `perceivers.data.numbers.number_of`.
        note: what people are told: which cell says so, and how to overrule it; or that commas can be read in two ways, so
            that each is an error with "point". "" where there is nothing to tell.
    """

    decimal: Decimal = "point"
    note: str = ""


@dataclass(frozen=True)
class _Cell:
    """A cell and what messages call its place; with the sign of a currency before it, "" without."""

    text: str
    place: str
    sign: str = ""

    def __str__(self) -> str:
        return f"{self.text!r:.80} ({self.place})"


def notation_of(columns: Sequence[SomeCells]) -> Notation:
    """The notation of a table, which has one for all of its numbers.

    A column counts where its cells are numbers, alone or with a unit (98 % of them). Of those:

    - `1,234,567`, `1,234.5`, `$1,234.50` can only be read as "grouped";
    - `0,5`, `12,25`, `1.234,5` can only be read as "comma";
    - `1,234` can be read as both. It is "grouped" where another cell has a point before its fraction (`12.5`; not `1.234`,
      which may be thousands), or where a sign stands before it that languages with such commas write there: `$`, `US$` and
      the other dollars of English, NT$, pound, yen, rupee and won. Otherwise it stays open.

    Args:
        columns: some cells of each column that is read as numbers.

    Returns:
        "point" where no cell says anything else.

    Raises:
        DataError: one cell has a decimal comma, and another one a decimal point, or commas that divide thousands.
    """
    found = _found(columns, ",")
    comma, grouped, either = (found.get(meaning) for meaning in ("comma", "grouped", "either"))
    if comma is not None:
        _require_alike(comma, found)
        return Notation("comma", _chosen("comma", f"the comma of {comma} stands before a fraction"))
    if grouped is not None:
        return Notation("grouped", _chosen("grouped", f"the commas of {grouped} divide thousands"))
    if either is None:
        return Notation()
    if (point := found.get("point")) is not None:
        why = f"the comma of {either} divides thousands, because {point} has a point before its fraction"
    elif (signed := found.get("signed")) is not None:
        why = f"the comma of {signed} divides thousands, as is usual where {signed.sign} is written before a number"
    else:
        return Notation(
            note=f"the comma of {either} divides thousands or stands before a fraction: --decimal grouped or --decimal comma "
            "says which"
        )
    return Notation("grouped", _chosen("grouped", why))


def notation_beside(columns: Sequence[SomeCells], known: Decimal) -> Notation:
    """The notation of a table that a trained run is asked about: the run's, unless cells cannot be read so.

    It is another one where all cells can be read in that, and some in no other: a run that was trained with decimal points is
    asked in `0,5`, or one with decimal commas in `12.5`. What can be read in two ways stays the run's, and an error.

    Args:
        columns: some cells of each column that is read as numbers.
        known: the run's.
    """
    found = _found(columns, ".," if known == "comma" else ",")
    meant = frozenset(NOTATIONS).intersection(*(_MEANT_BY[meaning] for meaning in found))
    if known in meant:
        return Notation(known)
    if meant == {"comma"}:
        decimal, cell, why = "comma", found["comma"], "the comma of {} stands before a fraction"
    elif meant == {"grouped"}:
        # With a point before another cell's fraction, or a sign, see `notation_of`.
        cell = found.get("grouped") or found.get("signed") or found["either"]
        decimal, why = "grouped", "the commas of {} divide thousands"
    elif meant and "point" in found:
        decimal, cell, why = "point", found["point"], "{} has a point before its fraction"
    else:
        return Notation(known)
    note = f"numbers are read with --decimal {decimal}, where those that the run was trained on have --decimal {known}: "
    return Notation(decimal, f"{note}{why.format(cell)}; --decimal {known} overrules it")  # type: ignore[arg-type]


def _found(columns: Sequence[SomeCells], marks: str) -> dict[str, _Cell]:
    """The first cell of each meaning; none where no text has one of the marks."""
    found: dict[str, _Cell] = {}
    texts = (cell for column in columns for cell in column.cells if isinstance(cell, str))
    if any(mark in text for text in texts for mark in marks):
        for column in columns:
            for meaning, cell in _meanings(column):
                found.setdefault(meaning, cell)
    return found


def settle_notation(
    tables: Mapping[str, Table | StreamTable],
    asked: Asked,
    number_texts: Callable[[Table | StreamTable], Sequence[SomeCells]],
) -> Notation:
    """Say how all tables of a data set write their numbers: as the training table does, where nobody has said it.

    Args:
        tables: by part, with "train".
        asked: what the user said.
        number_texts: gives some cells of each column of the training table that is read as numbers.

    Raises:
        DataError: see `notation_of`.
    """
    train = tables["train"]
    if asked != "auto":
        notation = Notation(asked)
    elif train.decimal != "point":
        # Whoever made the table has said so.
        notation = Notation(train.decimal)
    else:
        notation = notation_of(number_texts(train))
    for table in tables.values():
        table.decimal = notation.decimal
    return notation


def _chosen(decimal: Decimal, why: str) -> str:
    others = " or ".join(each for each in NOTATIONS if each != decimal)
    return f"numbers are read with --decimal {decimal}: {why}; --decimal {others} overrules it"


def _require_alike(comma: _Cell, found: dict[str, _Cell]) -> None:
    """Raise DataError where a cell cannot be meant as that with a decimal comma is."""
    for meaning, what in (
        ("grouped", "with commas that divide thousands"),
        ("point", "with a point before its fraction"),
        ("thousands", "with a point"),
        ("signed", "with a comma that divides thousands, by the sign before it"),
    ):
        if (other := found.get(meaning)) is not None:
            raise DataError(
                f"{comma.place} has {comma.text!r:.80}, with a comma before its fraction, but {other.place} has "
                f"{other.text!r:.80}, {what}: write all numbers alike, leave one of the columns out, or say with --decimal "
                "which notation is meant; numbers in another one are then errors, or left out with --unreadable skip"
            )


def _meanings(column: SomeCells) -> Iterator[tuple[str, _Cell]]:
    """What cells of a column say, by the names in `notation_of`; the first of equal cells."""
    reader = _reader_of([cell for cell in column.cells if not is_missing(cell) and not is_missing_word(cell)])
    if reader is None:
        return
    seen: set[str] = set()
    for cell, row in zip(column.cells, column.rows, strict=True):
        if not isinstance(cell, str) or cell in seen or not ("," in cell or "." in cell):
            continue
        seen.add(cell)
        read = tuple(decimal for decimal in NOTATIONS if _can_read(reader, cell, decimal))
        parts = measured(cell)
        number, sign = (cell.strip(), "") if parts is None else (parts.number, parts.before.strip())
        found = _Cell(cell, f"`{row}`, column {column.name!r}", sign)
        if read in (("comma",), ("grouped",)):
            yield read[0], found
        elif read == ("comma", "grouped"):
            yield "either", found
            if _DIVIDING_SIGN.fullmatch(sign):
                yield "signed", found
        elif read == ("point", "grouped"):
            yield "thousands" if _MAY_BE_THOUSANDS.fullmatch(number) else "point", found


def _reader_of(known: Sequence[Any]) -> Callable[[Any, Decimal], float | None] | None:
    """How cells of a column are read as numbers; None where they are no such."""
    if not known:
        return None
    if sum(map(looks_like_number, known)) >= MOSTLY * len(known):
        return lambda cell, decimal: plain_number_of(cell, decimal, may_be_infinite=True)
    form = unit_form_of(known, MOSTLY)
    return None if form is None else form.number_of


def _can_read(reader: Callable[[Any, Decimal], float | None], cell: str, decimal: Decimal) -> bool:
    try:
        return reader(cell, decimal) is not None
    except DataError:
        return False
