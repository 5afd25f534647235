"""A series that stands in the cell of a table of texts: lists of numbers as JSON writes them, and as pandas writes lists."""

from __future__ import annotations

import json
import re
from typing import Any

from perceivers.errors import DataError, one_line

_NUMBER = r"(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|NaN|null|None|\.\.\.)"
# Two numbers or more; what divides them may be wrong, which whoever reads them says.
_NUMBERS = re.compile(rf"\[[\[\s]*{_NUMBER}(?:[\s,\[\]]+{_NUMBER})+[\s\]]*\]")
# How Python writes what is missing in a list.
_MISSING = re.compile(r"\b(?:nan|None)\b")


def is_list_text(cell: Any) -> bool:
    """Whether a cell is a text in square brackets, which no path of a series ends with."""
    return isinstance(cell, str) and cell.lstrip().startswith("[") and cell.rstrip().endswith("]")


def looks_like_numbers(text: str) -> bool:
    """Whether a text in square brackets has nothing but numbers in it, two or more."""
    return _NUMBERS.fullmatch(text.strip()) is not None


def numbers_in(text: str) -> list[Any]:
    """The list in a text such as `[0.1, null, 0.2]` or `[[0.1, 0.2], [0.3, 0.4]]`; None where a number is missing.

    Raises:
        DataError: it is no such list.
    """
    try:
        found: list[Any] = json.loads(_MISSING.sub("null", text))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"a series in a cell must be a JSON list such as [0.1, null, 0.2], received {text[:40]!r}: {one_line(error)}; "
            "arrays are written so by `json.dumps(array.tolist())`"
        ) from error
    return found
