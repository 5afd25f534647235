"""Columns of numbers with a unit: which unit that is, and how it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perceivers.data.numbers import Decimal, is_missing_word, looks_like_number
from perceivers.data.unit_forms import STEP, UnitForm, is_zero
from perceivers.data.units import Measured, is_same_unit, measured, multiple_in, power_of, unit_key

# Of fewer cells that have a unit, those that have none may be numbers of something else.
MOST = 0.5


def unit_form_of(cells: Sequence[Any], mostly: float = 1.0, decimal: Decimal = "point") -> UnitForm | None:
    """How a column writes numbers with a unit; None where it holds none.

    More than half of the cells must have the unit, but for zeros; numbers alone count as numbers of it. Numbers are
    multiplied out where k and M differ from cell to cell, or where they stand with a currency; and 12k beside 950 is 12,000.
    What else may be metres, kelvin or millions is a unit, and nothing is known of numbers that stand beside it alone.

    Args:
        cells: that are not empty.
        mostly: share of the cells that must have the same unit, or none, in (0, 1].
        decimal: see `perceivers.data.numbers.number_of`.
    """
    known = [cell for cell in cells if not is_missing_word(cell)]
    alone = [cell for cell in known if looks_like_number(cell)]
    others = [
        found for cell in known if isinstance(cell, str) and (found := measured(cell)) and found.has_unit
    ]
    united = [found for found in others if found.is_number]
    zeros = [cell for cell in alone if is_zero(cell)]
    missing = Counter(
        unit_key(found.before, found.behind) for found in others if is_missing_word(found.number)
    )
    for group in (_of_multiples(united, len(alone) > len(zeros)), _of_one_unit(united)):
        count = len(known) - (
            0 if group is None else missing[unit_key(group.cells[0].before, group.behind[0])]
        )
        if group is None or len(group.cells) <= MOST * (count - len(zeros)):
            continue
        beside = alone if group.takes_numbers else zeros
        if len(group.cells) + len(beside) >= mostly * count:
            return _form(group, beside, decimal)
    return None


@dataclass(frozen=True)
class _Group:
    """Cells with one unit.

    Args:
        cells: of the column, in any order.
        multiples: of each cell what is multiplied out; "" where there is nothing.
        behind: of each cell, without that.
        takes_numbers: see UnitForm.
    """

    cells: Sequence[Measured]
    multiples: Sequence[str]
    behind: Sequence[str]
    takes_numbers: bool = True


def _of_multiples(united: Sequence[Measured], has_others: bool) -> _Group | None:
    """The cells with k, M and the like, and those with the same currency; None where these may be units.

    Args:
        united: all cells that have a unit.
        has_others: whether there are numbers alone.
    """
    parts = [multiple_in(cell.behind) or ("", cell.behind) for cell in united]
    keys = [unit_key(cell.before, behind) for cell, (_, behind) in zip(united, parts, strict=True)]
    counts = Counter(key for key, (multiple, _) in zip(keys, parts, strict=True) if multiple and not key[1])
    if not counts:
        return None
    ((key, _),) = counts.most_common(1)
    is_money = bool(key[0])
    own = [
        (cell, *part)
        for cell, part, each in zip(united, parts, keys, strict=True)
        if each == key and (is_money or not cell.is_bracketed)
    ]
    powers = Counter(power_of(multiple) for _, multiple, _ in own if multiple)
    if not is_money:
        known = _neighbours(powers)
        own = [each for each in own if power_of(each[1]) in known]
        words = {multiple for _, multiple, _ in own}
        if len(known) == 1 and not (
            has_others and all(word == "k" or word.lower() == "bn" for word in words)
        ):
            return None
    if _are_bracketed([cell for cell, _, _ in own]):
        return None
    cells, multiples, behind = zip(*own, strict=True)
    return _Group(cells, multiples, behind)


def _neighbours(powers: Counter[int]) -> set[int]:
    """The most frequent power of ten, and all that are reached from it in steps of 1,000."""
    ((middle, _),) = powers.most_common(1)
    known = {middle}
    for step in (-STEP, STEP):
        power = middle + step
        while power in powers:
            known.add(power)
            power += step
    return known


def _of_one_unit(united: Sequence[Measured]) -> _Group | None:
    """The cells with the most frequent unit; None where it may be something else."""
    keys = [unit_key(cell.before, cell.behind) for cell in united]
    if not keys:
        return None
    ((key, _),) = Counter(keys).most_common(1)
    own = [
        cell
        for cell, each in zip(united, keys, strict=True)
        if each == key and (key[0] or not cell.is_bracketed)
    ]
    if not own or _are_bracketed(own):
        return None
    ((usual, _),) = Counter(cell.behind for cell in own).most_common(1)
    own = [cell for cell in own if is_same_unit(cell.behind, usual)]
    # 7 beside 5M may be anything, and 3 beside 3+ is less.
    is_clear = usual.strip() != "+" and (power_of(usual) == 0 or usual[0].isspace())
    return _Group(own, [""] * len(own), [cell.behind for cell in own], is_clear)


def _are_bracketed(cells: Sequence[Measured]) -> bool:
    """Whether brackets are so usual that they do not mean less than nothing."""
    return sum(cell.is_bracketed for cell in cells) > MOST * len(cells)


def _form(group: _Group, beside: Sequence[Any], decimal: Decimal) -> UnitForm:
    """The most frequent writing of a group, with as many decimals as the cell that has the most."""
    ((before, behind), _), *_ = Counter(
        (cell.before, end) for cell, end in zip(group.cells, group.behind, strict=True)
    ).most_common(1)
    words = Counter(group.multiples)
    usual: dict[int, str] = {}
    for word, _ in words.most_common():
        usual.setdefault(power_of(word), word)
    if any(usual) and beside:
        usual[0] = ""
    numbers = [cell.number for cell in group.cells] + [
        cell.strip() for cell in beside if isinstance(cell, str)
    ]
    decimals = [_decimals(number, decimal) for number in numbers]
    return UnitForm(
        before,
        behind,
        multiples=tuple(usual[power] for power in sorted(usual)) if any(usual) else (),
        decimals=None if None in decimals else max(each or 0 for each in decimals),
        decimal=decimal,
        is_grouped=decimal == "grouped" and any("," in number for number in numbers),
        takes_numbers=group.takes_numbers,
    )


def _decimals(number: str, decimal: Decimal) -> int | None:
    """Digits of the fraction; None of a number with an exponent, 0 of an infinite one."""
    if "e" in number.lower():
        return None
    _, mark, fraction = number.rpartition("," if decimal == "comma" else ".")
    return len(fraction) if mark else 0
