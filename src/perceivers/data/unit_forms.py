"""How a column writes its numbers with a unit: cells that are read so, numbers that are written so."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
            first; "" among them where numbers stand alone, too. Empty: all numbers are what they say.
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
            is_known = self.takes_numbers or is_zero(found.number)
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


def is_zero(cell: Any) -> bool:
    """Whether a number is nothing, which it is in every unit."""
    return not str(cell).strip().strip("+-0.,")


def _times(number: float, power: int) -> float:
    """A number times a power of ten, exactly as it is written: 1.1 million is 1,100,000."""
    return float(Exact(repr(float(number))).scaleb(power)) if power else number
