"""What keeps a column from being one of numbers: a few cells, or its units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import NotationError, has_commas, is_missing_word, number_of
from perceivers.data.unit_columns import unit_form_of
from perceivers.data.unit_forms import UnitForm
from perceivers.data.units import Measured, measured
from perceivers.errors import DataError

# Share of other cells at most, of a column that is meant to be one of numbers.
MOST_STRAY = 0.5
# In a column whose units differ: share of numbers at least, different units at most, share of the usual one at least.
MOSTLY_UNITS, MOST_UNITS, FEWEST_OF_UNIT = 0.9, 6, 0.2
# Fewer different numbers with a unit may be names: 1Story, 2Story, attic.
FEWEST_MEASURED = 10
# What becomes of a column whose cells are written otherwise.
THEN = "and the column is one of numbers"


def why_no_numbers(name: str, filled: Sequence[Any]) -> str:
    """What is said of a column that would be one of numbers but for a few cells, or for its units; "" of every other.

    Args:
        name: of the column.
        filled: its cells, without empty ones.
    """
    if not all(isinstance(cell, str | int | float) and not isinstance(cell, bool) for cell in filled):
        return ""
    form = unit_form_of(evenly_spread(filled), 1.0 - MOST_STRAY)
    others = [cell for cell in filled if not _is_number(cell, form)]
    if not others:
        return ""
    known = [cell for cell in filled if not is_missing_word(cell)]
    found = [cell for each in known if isinstance(each, str) and (cell := measured(each)) and cell.is_number]
    is_measured = len({cell.number for cell in found}) >= FEWEST_MEASURED
    if is_measured and (said := _of_units(known, found, others, form)) is not None:
        return said
    if form is not None and not is_measured:
        return ""
    if len(others) > MOST_STRAY * len(filled):
        return ""
    what = "numbers" if form is None else f"numbers with a unit, such as {form.example}"
    cure = "empty what nobody knows" if form is None else "empty what nobody knows, write all with this unit"
    return f"{len(filled) - len(others):,} of {len(filled):,} cells are {what}, {others[0]!r:.40} is none: {cure}, {THEN}"


def _of_units(
    known: Sequence[Any], found: Sequence[Measured], others: Sequence[Any], form: UnitForm | None
) -> str | None:
    """What is said of numbers with several units, or with one that may be a multiple.

    "" where numbers with letters are names, and nothing is to be said; None of all other cells.

    Args:
        known: cells that are not missing.
        found: those of them that are numbers, with a unit or without.
        others: those of them that are no numbers, or not of the unit that most have.
        form: that unit; None where none is meant by most.
    """
    counts = Counter(_unit(cell) for cell in found if cell.has_unit)
    if len(found) < MOSTLY_UNITS * len(known) or not MOST_STRAY * len(known) < counts.total():
        return None
    usual, count = counts.most_common(1)[0]
    if form is None:
        different = [unit for unit, _ in counts.most_common() if unit != usual]
    else:
        strange = [measured(cell) for cell in others if isinstance(cell, str)]
        different = [_unit(cell) for cell in strange if cell is not None and cell.has_unit]
        if form.multiples or (form.takes_numbers and not different):
            return None
    if len(counts) > MOST_UNITS or count < FEWEST_OF_UNIT * len(known):
        return ""
    if not different:
        return f"a number alone may be one of {usual!r}, or not: write {usual!r} with all of them or none, {THEN}"
    # 12 Main St and 7 Oak Ave are addresses, 12A and 13B seats.
    is_spaced = any(cell.behind[:1].isspace() for cell in found)
    if any(" " in unit for unit in counts) or not (is_spaced or any(map(_is_measure, counts))):
        return ""
    return f"the units differ, {usual!r} and {different[0]!r}: write all numbers in one unit, {THEN}"


def _unit(cell: Measured) -> str:
    return cell.behind.strip() or cell.before.strip()


def _is_measure(unit: str) -> bool:
    return len(unit) > 1 or not unit.isalpha()


def _is_number(cell: Any, form: UnitForm | None) -> bool:
    """Whether a cell is a number, however its fraction is written, or a word for a missing one."""
    try:
        if form is not None:
            form.number_of(cell, "point")
        else:
            number_of(cell, may_be_infinite=True)
    except NotationError:
        return form is not None or has_commas(cell)
    except DataError:
        return False
    return True
