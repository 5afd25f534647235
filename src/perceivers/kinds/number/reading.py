"""A cell as a number."""

from __future__ import annotations

import math
from typing import Any

from perceivers.errors import DataError

# Words that stand for a missing number in tables.
MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "null", "none", "?", "-"})


def number_of(cell: Any, column: str) -> float:
    """The cell as a finite float64; NaN where it is empty or one of MISSING_WORDS.

    Raises:
        DataError: the cell is no number, or is infinite.
    """
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in MISSING_WORDS):
        return math.nan
    try:
        number = float(cell)
    except (TypeError, ValueError):
        raise DataError(
            f"has {cell!r:.80} in the column {column!r}, where a number is expected: mend it, empty it, or name another kind "
            f"(--column {column}=category)"
        ) from None
    if math.isinf(number):
        raise DataError(f"has {cell!r} in the column {column!r}, where a finite number is expected")
    return number


def looks_like_number(cell: Any) -> bool:
    """Whether a cell is a number, or the text of one; a code with leading zeros (007) is none, nor is a truth value."""
    if isinstance(cell, bool):
        return False
    if isinstance(cell, int | float):
        return True
    if not isinstance(cell, str):
        return hasattr(cell, "dtype") and getattr(cell, "shape", None) == () and cell.dtype.kind in "iuf"
    text = cell.strip()
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return False
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False
