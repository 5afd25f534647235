"""The unit that a column writes with its numbers, and numbers written with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal as Exact
from functools import cached_property
from typing import Any, Self

from perceivers.data.numbers import Decimal, is_missing_word, looks_like_number
from perceivers.data.numbers import number_of as plain_number_of
from perceivers.data.units import (
    Measured,
    is_same_unit,
    measured,
    multiple_in,
    power_of,
    unit_key,
)
from perceivers.errors import DataError

# Of fewer cells that have a unit, those that have none may be numbers of something else.
MOST = 0.5
# A number for examples, in the largest multiple of a column that has some.
EXAMPLE = 12
# Digits of what a column writes as 1.5e-7.
SIGNIFICANT = 6
# Powers of ten from a multiple to the next.
STEP = 3


@dataclass(frozen=True)
class UnitForm:
    """How a column writes its numbers.

    Args:
        before: a currency, with the space behind it.
        behind: a unit, with the space before it; without the multiples.
        multiples: what stands behind numbers of which so many are meant, k or M, with the space before it, the smallest
            first; "" among them where numbers stand alone, too. None: all numbers are what they say.
        decimals: digits of the fraction; None where numbers have an exponent.
        decimal: see `perceivers.data.numbers.number_of`.
        is_grouped: whether commas divide thousands.
        takes_numbers: whether a number alone is one of this unit.
    """

    before: str = ""
    behind: str = ""
    multiples: tuple[str, ...] = ()
    decimals: int | None = 0
    decimal: Decimal = "point"
    is_grouped: bool = False
    takes_numbers: bool = True

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` described."""
        return cls(**{**state, "multiples": tuple(state["multiples"])})

    def state(self) -> dict[str, Any]:
        """Everything that is known of it, for a JSON file."""
        return asdict(self)

    def number_of(self, cell: Any, decimal: Decimal) -> float | None:
        """A cell as a number, multiplied out; None where it is missing.

        Args:
            cell: a text of a number with the unit, or with one of the multiples; where `takes_numbers`, any number, too.
            decimal: see `perceivers.data.numbers.number_of`.

        Raises:
            NotationError: the number is written in another way than was said.
            DataError: the cell is no number, or has another unit.
        """
        if cell is None or is_missing_word(cell):
            return None
        found = measured(cell) if isinstance(cell, str) else None
        if not isinstance(cell, str) or (found is None and looks_like_number(cell)):
            number = plain_number_of(cell, decimal, may_be_infinite=True)
            if number and not self.takes_numbers:
                raise self._unlike(cell)
            return number
        power = None if found is None else self._power(found)
        if found is None or power is None:
            raise self._unlike(cell)
        number = plain_number_of(found.number, decimal, may_be_infinite=True, part_of=cell)
        return None if number is None else _times(-number if found.is_bracketed else number, power)

    def written(self, number: float) -> str:
        """A number with its unit, rounded to the decimals of the column.

        Args:
            number: any; one that is not finite is written as it is.
        """
        if not math.isfinite(number):
            return str(number)
        if not self.multiples:
            return self._around(self._digits(number), "")
        # The largest multiple that there is one of, or will be when the number is rounded: 999.96k is 1M.
        multiple, *larger = self.multiples
        for each in larger:
            rounded = round(_times(number, -power_of(multiple)), self.decimals)
            if _times(abs(rounded), power_of(multiple)) >= 10.0 ** power_of(each):
                multiple = each
        digits = self._digits(_times(number, -power_of(multiple)))
        mark = "," if self.decimal == "comma" else "."
        return self._around(digits.rstrip("0").rstrip(mark) if mark in digits else digits, multiple)

    @property
    def example(self) -> str:
        """A number with its unit, for errors."""
        return self.written(_times(EXAMPLE, power_of(self.multiples[-1]) if self.multiples else 0))

    def described(self) -> str:
        """What is told of the column: "`0 kg`"."""
        shown = [self._around(self._digits(0.0), multiple) for multiple in self.multiples or ("",)]
        return f"{', '.join(f'`{each}`' for each in shown)}{', multiplied out' if self.multiples else ''}"

    @cached_property
    def _key(self) -> tuple[str, str]:
        return unit_key(self.before, self.behind)

    @property
    def _is_money(self) -> bool:
        return bool(self._key[0])

    def _power(self, found: Measured) -> int | None:
        """The power of ten that the number of a cell is multiplied by; None where the cell has another unit."""
        if not found.has_unit:
            is_known = self.takes_numbers or _is_zero(found.number)
            return 0 if is_known and not found.is_bracketed else None
        if found.is_bracketed and (not self._is_money or found.number[0] in "+-"):
            return None
        multiple, behind = (multiple_in(found.behind) if self.multiples else None) or ("", found.behind)
        if unit_key(found.before, behind) != self._key or not is_same_unit(behind, self.behind):
            return None
        # Far beyond those that the column has it is something else: beside k and M, t may be tonnes.
        power, largest = power_of(multiple), power_of(self.multiples[-1]) if self.multiples else 0
        return power if self._is_money or power <= largest + STEP else None

    def _around(self, digits: str, multiple: str) -> str:
        sign = "-" if digits.startswith("-") else ""
        return f"{sign}{self.before}{digits.removeprefix('-')}{multiple}{self.behind}"

    def _digits(self, number: float) -> str:
        if self.decimals is None:
            text = f"{number:.{SIGNIFICANT}g}"
        else:
            text = f"{number:{',' if self.is_grouped else ''}.{self.decimals}f}"
            # What is rounded to nothing has no sign.
            text = text if text.strip("-0.") else text.removeprefix("-")
        return text.replace(".", ",") if self.decimal == "comma" else text

    def _unlike(self, cell: Any) -> DataError:
        return DataError(f"expected a number such as {self.example}, received {cell!r:.80}")


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
    zeros = [cell for cell in alone if _is_zero(cell)]
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
    return _Group(
        own, [""] * len(own), [cell.behind for cell in own], power_of(usual) == 0 or usual[0].isspace()
    )


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
    numbers = [cell.number for cell in group.cells] + [_as_text(cell) for cell in beside]
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


def _is_zero(cell: Any) -> bool:
    """Whether a number is nothing, which it is in every unit."""
    return not str(cell).strip().strip("+-0.,")


def _as_text(number: Any) -> str:
    """A number as a table may write it: 12.0 has no fraction."""
    if isinstance(number, str):
        return number.strip()
    return str(int(number)) if float(number).is_integer() else str(number)


def _times(number: float, power: int) -> float:
    """A number times a power of ten, exactly as it is written: 1.1 million is 1,100,000."""
    return float(Exact(repr(number)).scaleb(power)) if power else number
