"""Cells of a table as numbers: strictly, so that nothing that only looks like a number becomes one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from perceivers.errors import DataError

Decimal = Literal["point", "comma", "grouped"]
# What people and programs write for a missing number or date. In a column of text these are words like all others.
MISSING_WORDS = frozenset(
    {
        *(
            "",
            "nan",
            "-nan",
            "na",
            "n/a",
            "n.a.",
            "n.a",
            "<na>",
            "nat",
            "null",
            "none",
            "nil",
            "missing",
            "unknown",
        ),
        *("?", "-", "--", "\N{EN DASH}", "\N{EM DASH}", ".", "..", "...", "*"),
        # Spreadsheets write these where a formula has no result.
        *("#n/a", "#na", "#div/0!", "#num!", "#value!", "#ref!", "#name?", "#null!"),
    }
)

_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_GROUPED_BY_POINTS = re.compile(r"([+-]?\d{1,3}(?:\.\d{3})+),\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_GROUPED_BY_COMMAS = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|[+-]?\d{1,3}(?:,\d{3})+\.\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([ '\u2019\u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")


class NotationError(DataError):
    """A number or date that is written in another way than was said: it is not missing, however few of these there are."""


def is_missing(cell: Any) -> bool:
    """Whether a cell holds nothing: None, an empty text, or a number that is NaN."""
    if isinstance(cell, str):
        return not cell
    return cell is None or (isinstance(cell, float | np.floating) and math.isnan(cell))


def is_missing_word(cell: Any) -> bool:
    """Whether a cell is a text that stands for a missing number or date."""
    return isinstance(cell, str) and cell.strip().lower() in MISSING_WORDS


def number_of(
    cell: Any, decimal: Decimal = "point", *, may_be_infinite: bool = False, part_of: str | None = None
) -> float | None:
    """A cell as a number.

    Args:
        cell: a number, a truth value (1 and 0), or a number as text, with spaces around it or without.
        decimal: "point" or "comma": what stands before the fraction of a number in a text. With "comma", points may divide
            thousands where a comma follows: 1.234,5. With "grouped", a point does, and commas divide thousands: 1,234.5.
        may_be_infinite: whether inf and 1e400 are numbers; else they are errors.
        part_of: what errors call the cell; None for itself.

    Returns:
        A number; None where the cell is empty, NaN, or one of MISSING_WORDS in any case.

    Raises:
        NotationError: a number with a comma, or with thousands that are divided.
        DataError: the cell is something else; the message does not name the row, which the caller knows.
    """
    if cell is None or is_missing_word(cell):
        return None
    if isinstance(cell, str):
        value = _float_of(cell.strip(), part_of or cell, decimal)
    elif isinstance(cell, bool | int | float | np.number | np.bool_):
        value = _float_of_whole(cell) if isinstance(cell, int) else float(cell)
    else:
        raise DataError(f"expected a number, received {cell!r:.80}")
    if math.isnan(value):
        return None
    if not may_be_infinite and math.isinf(value):
        raise DataError(f"expected a finite number, received {cell!r:.80}")
    return value


def numbers_of(
    cells: Sequence[Any], column: str, name: Callable[[int], str], decimal: Decimal = "point"
) -> np.ndarray:
    """The cells of a column as numbers.

    Args:
        cells: see `number_of`.
        column: what the column is called, for errors.
        name: from the index of a row to what errors call it.
        decimal: see `number_of`.

    Returns:
        float64 [rows]; NaN where a number is missing.

    Raises:
        DataError: a cell is no number; the message names row and column.
    """
    numbers = np.empty(len(cells), dtype=np.float64)
    for index, cell in enumerate(cells):
        try:
            number = number_of(cell, decimal)
        except DataError as error:
            raise DataError(f"`{name(index)}`, column {column!r}: {error}") from error
        numbers[index] = math.nan if number is None else number
    return numbers


def has_decimal_comma(cell: Any) -> bool:
    """Whether a cell is a text such as 0,126: a number with a comma before its fraction, as far as one can tell."""
    if not isinstance(cell, str):
        return False
    text = cell.strip()
    return _COMMA.fullmatch(text) is not None or _GROUPED_BY_POINTS.fullmatch(text) is not None


def has_commas(cell: Any) -> bool:
    """Whether a cell is a text such as 0,126 or 1,234.5: a number with commas, before its fraction or between thousands."""
    return has_decimal_comma(cell) or (
        isinstance(cell, str) and _THOUSANDS.fullmatch(cell.strip()) is not None
    )


def looks_like_number(cell: Any) -> bool:
    """Whether a cell is a number, or the text of one; a code with leading zeros (007) is none, nor is a truth value."""
    if isinstance(cell, bool):
        return False
    if isinstance(cell, int | float):
        return True
    if not isinstance(cell, str):
        return hasattr(cell, "dtype") and getattr(cell, "shape", None) == () and cell.dtype.kind in "iuf"
    text = cell.strip()
    if has_commas(text):
        # A number all the same; reading it tells of --decimal where that is not given.
        return True
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return False
    try:
        return not math.isnan(float(text)) and "_" not in text
    except ValueError:
        return False


def _float_of(text: str, cell: str, decimal: Decimal) -> float:
    if decimal == "comma":
        if _GROUPED_BY_POINTS.fullmatch(text):
            text = text.replace(".", "")
        elif "." in text and _is_float(text):
            raise NotationError(
                f"received {cell!r}, a number with a point, although `decimal` is comma; write all numbers alike"
            )
        text = text.replace(",", ".") if _COMMA.fullmatch(text) else text
    elif _THOUSANDS.fullmatch(text):
        if decimal == "point":
            raise NotationError(_of_thousands(text, cell))
        text = text.replace(",", "")
    elif has_decimal_comma(text) and decimal == "grouped":
        raise NotationError(
            f"received {cell!r}, whose comma divides no thousands, although `decimal` is grouped; write all numbers alike"
        )
    elif has_decimal_comma(text):
        raise NotationError(
            f"received {cell!r}, which looks like a decimal comma: add --decimal comma, or write the number with a point"
        )
    if _GROUPED_BY_COMMAS.fullmatch(text):
        raise NotationError(
            f"received {cell!r}, whose thousands are divided by commas: write all numbers alike"
        )
    if grouped := _GROUPED.fullmatch(text):
        by = "spaces" if grouped[1].isspace() else "apostrophes"
        raise NotationError(f"received {cell!r}, whose thousands are divided by {by}: write it without them")
    if not _is_float(text):
        raise DataError(f"expected a number, received {cell!r:.80}")
    return float(text)


def _of_thousands(text: str, cell: str) -> str:
    if _GROUPED_BY_COMMAS.fullmatch(text):
        return f"received {cell!r}, whose thousands are divided by commas: add --decimal grouped, or write it without them"
    return (
        f"received {cell!r}, whose comma divides thousands or stands before a fraction: add --decimal grouped or --decimal "
        "comma, or write the number without it"
    )


def _is_float(text: str) -> bool:
    # Python reads 2021_01 as 202101, which no table means.
    if "_" in text:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _float_of_whole(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
