"""A cell as a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from perceivers.data.numbers import MISSING_WORDS, Decimal, has_decimal_comma
from perceivers.data.numbers import number_of as plain_number_of
from perceivers.errors import DataError

# Of more different texts, two that are one number are a matter of how they were written.
MOST_NAMES = 20


def number_of(cell: Any, column: str, decimal: Decimal = "point", *, otherwise: str | None = None) -> float:
    """The cell as a finite float64; NaN where it is empty or one of MISSING_WORDS.

    Args:
        cell: see `perceivers.data.numbers.number_of`.
        column: for errors.
        decimal: the same.
        otherwise: what errors advise where the column holds no numbers at all; None: another kind of data.

    Raises:
        DataError: the cell is no number, or is infinite.
    """
    try:
        number = plain_number_of(cell, decimal)
    except DataError as error:
        advice = otherwise or f"name another kind: --column {column}=category"
        cure = "" if has_decimal_comma(cell) else f"; empty the cell if nobody knows it, or {advice}"
        raise DataError(f"in the column {column!r}: {error}{cure}") from None
    return math.nan if number is None else number


def looks_like_number(cell: Any) -> bool:
    """Whether a cell is a number, or the text of one; a code with leading zeros (007) is none, nor is a truth value."""
    if isinstance(cell, bool):
        return False
    if isinstance(cell, int | float):
        return True
    if not isinstance(cell, str):
        return hasattr(cell, "dtype") and getattr(cell, "shape", None) == () and cell.dtype.kind in "iuf"
    text = cell.strip()
    if has_decimal_comma(text):
        # A number all the same; reading it tells of --decimal where that is not given.
        return True
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return False
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def are_names(cells: Sequence[Any]) -> bool:
    """Whether texts that could be numbers are names: few, and two of them one number, as the versions 1.1 and 1.10 are."""
    texts = {cell.strip() for cell in cells if isinstance(cell, str)}
    with_fraction = [text for text in texts if "." in text and looks_like_number(text)]
    if len(texts) > MOST_NAMES or len(with_fraction) < 2:
        return False
    return len({float(text) for text in with_fraction if not has_decimal_comma(text)}) < len(with_fraction)


def is_missing_word(cell: Any) -> bool:
    """Whether a cell is a text that stands for a missing number."""
    return isinstance(cell, str) and cell.strip().lower() in MISSING_WORDS
