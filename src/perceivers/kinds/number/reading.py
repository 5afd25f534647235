"""A cell as a number: one that is written, or the seconds of a duration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from perceivers.data.duration_forms import form_of, takes_numbers, written
from perceivers.data.durations import seconds_of
from perceivers.data.numbers import Decimal, has_decimal_comma, is_missing_word
from perceivers.data.numbers import number_of as plain_number_of
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY

# Of more different texts, two that are one number are a matter of how they were written.
MOST_NAMES = 20
# Seconds of an example: 1:23:45.
EXAMPLE = 5_025.0


def number_of(
    cell: Any, column: str, decimal: Decimal = "point", form: str = "", *, otherwise: str | None = None
) -> float:
    """The cell as a float64, infinite where it is beyond all others; NaN where it is empty or one of MISSING_WORDS.

    Args:
        cell: see `perceivers.data.numbers.number_of`, and where the column holds durations `seconds_of`.
        column: for errors.
        decimal: the same.
        form: what `perceivers.data.duration_forms.form_of` says of the column: "" where it holds no durations.
        otherwise: what errors advise where the column holds no numbers at all; None: another kind of data.

    Raises:
        NotationError: the cell is a number, but written in another way than was said.
        DataError: the cell is no number, or no duration.
    """
    advice = otherwise or f"name another kind: --column {column}=category"
    cure = f"; empty the cell if nobody knows it, or {advice}"
    if form:
        seconds = seconds_of(cell)
        if seconds is not None:
            return seconds
        if cell is not None and not is_missing_word(cell) and not (takes_numbers(form) or _is_nan(cell)):
            raise DataError(
                f"in the column {column!r}: expected a duration such as {written(EXAMPLE, form)}, received {cell!r:.80}{cure}"
            )
    try:
        number = plain_number_of(cell, decimal, may_be_infinite=True)
    except DataError as error:
        # A number in another notation is to be written otherwise, or read otherwise.
        raise type(error)(
            f"in the column {column!r}: {error}{'' if has_decimal_comma(cell) else cure}"
        ) from None
    return math.nan if number is None else number


def duration_form(cells: Sequence[Any]) -> str:
    """The form of a column's durations, see `form_of`; "" where it holds none.

    Args:
        cells: some that are not empty.
    """
    return form_of([cell for cell in cells if not is_missing_word(cell)], MOSTLY)


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
        return not math.isnan(float(text)) and "_" not in text
    except ValueError:
        return False


def are_names(cells: Sequence[Any]) -> bool:
    """Whether texts that could be numbers are names: few, and two of them one number, as the versions 1.1 and 1.10 are."""
    texts = {cell.strip() for cell in cells if isinstance(cell, str)}
    with_fraction = [text for text in texts if "." in text and looks_like_number(text)]
    if len(texts) > MOST_NAMES or len(with_fraction) < 2:
        return False
    return len({float(text) for text in with_fraction if not has_decimal_comma(text)}) < len(with_fraction)


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
