"""A cell as a number: one that is written, alone or with a unit, or the seconds of a duration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from perceivers.data.duration_forms import takes_numbers, written
from perceivers.data.durations import seconds_of
from perceivers.data.numbers import (
    Decimal,
    NotationError,
    has_commas,
    is_missing_word,
    looks_like_number,
)
from perceivers.data.numbers import number_of as plain_number_of
from perceivers.data.unit_forms import UnitForm
from perceivers.errors import DataError
from perceivers.kinds.number.forms import Form

# Of more different texts, two that are one number are a matter of how they were written.
MOST_NAMES = 20
# Seconds of an example: 1:23:45.
EXAMPLE = 5_025.0


def number_of(
    cell: Any, column: str, decimal: Decimal = "point", form: Form = "", *, otherwise: str | None = None
) -> float:
    """The cell as a float64, infinite where it is beyond all others; NaN where it is empty or one of MISSING_WORDS.

    Args:
        cell: see `perceivers.data.numbers.number_of`; where the column holds durations `seconds_of`, and where it has a unit
            `UnitForm.number_of`.
        column: for errors.
        decimal: the same.
        form: what `form_of_column` says of the column: "" where it holds numbers alone.
        otherwise: what errors advise where the column holds no numbers at all; None: another kind of data.

    Raises:
        NotationError: the cell is a number, but written in another way than was said.
        DataError: the cell is no number, or no duration.
    """
    advice = otherwise or f"name another kind: --column {column}=category"
    cure = f"; empty the cell if nobody knows it, or {advice}"
    if isinstance(form, str) and form:
        seconds = seconds_of(cell)
        if seconds is not None:
            return seconds
        if cell is not None and not is_missing_word(cell) and not (takes_numbers(form) or _is_nan(cell)):
            raise DataError(
                f"in the column {column!r}: expected a duration such as {written(EXAMPLE, form)}, received {cell!r:.80}{cure}"
            )
    try:
        if isinstance(form, UnitForm):
            number = form.number_of(cell, decimal)
        else:
            number = plain_number_of(cell, decimal, may_be_infinite=True)
    except DataError as error:
        # A number in another notation is to be written otherwise, or read otherwise.
        is_cured = has_commas(cell) or (isinstance(form, UnitForm) and isinstance(error, NotationError))
        raise type(error)(f"in the column {column!r}: {error}{'' if is_cured else cure}") from None
    return math.nan if number is None else number


def are_names(cells: Sequence[Any]) -> bool:
    """Whether texts that could be numbers are names: few, and two of them one number, as the versions 1.1 and 1.10 are."""
    texts = {cell.strip() for cell in cells if isinstance(cell, str)}
    with_fraction = [
        text for text in texts if "." in text and not has_commas(text) and looks_like_number(text)
    ]
    if len(texts) > MOST_NAMES or len(with_fraction) < 2:
        return False
    return len({float(text) for text in with_fraction}) < len(with_fraction)


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
