"""A cell as a point in time, and a point in time as numbers."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from perceivers.data.day_order import EXAMPLES, DayOrder, date_in_order, may_be_two_dates
from perceivers.data.numbers import NotationError, is_missing_word
from perceivers.errors import DataError
from perceivers.kinds.base import is_empty

PARTS = ("year", "month", "day", "weekday", "hour", "elapsed days")
# What looks like a date to begin with; the rest is for `datetime.fromisoformat` to judge.
_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?$")
_OTHER = re.compile(r"(\d{4}/\d{1,2}/\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4})( \d{1,2}:\d{2}(:\d{2})?)?")
# MySQL writes days of zeros for none.
_NO_DAY = re.compile(r"0{4}[-/]00[-/]00(?:[ T]00:00(?::00)?)?")
# What is said where a date is to be answered.
NO_DATES = (
    "write numbers for dates, which cannot be answered: the days since 2000-01-01, say, or since another date"
)
_START = datetime(2000, 1, 1, tzinfo=UTC)


def date_of(cell: Any, column: str, order: DayOrder = "") -> datetime:
    """The cell as a point in time; without a zone it is taken as UTC.

    Args:
        cell: of a table.
        column: for errors.
        order: of day and month in dates such as 03/04/2024.

    Raises:
        NotationError: it is a date that can be read in two ways: whether 03/04/2024 is March or April, `order` does not tell.
        DataError: it is no date of a form that is understood without doubt: 2024-03-31, with a time if wanted, 2024/03/31 or
            31.03.2024.
    """
    found = _parsed(cell, order)
    if found is None:
        raised = NotationError if may_be_two_dates(cell) else DataError
        own = f"a date with its {order} such as {EXAMPLES[order]}, or " if order else ""
        raise raised(
            f"has {cell!r:.80} in the column {column!r}, where {own}a date such as 2024-03-31 or 2024-03-31 18:30 is expected"
        )
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def is_missing_date(cell: Any) -> bool:
    """Whether a cell holds nothing, or a word for nothing, or a day of zeros."""
    if is_empty(cell) or is_missing_word(cell):
        return True
    return isinstance(cell, str) and _NO_DAY.fullmatch(cell.strip()) is not None


def looks_like_date(cell: Any, order: DayOrder = "") -> bool:
    """Whether `date_of` understands the cell."""
    return _parsed(cell, order) is not None


def is_date(cell: Any) -> bool:
    """Whether a cell is a date, if only one whose day may be its month."""
    return looks_like_date(cell) or may_be_two_dates(cell)


def parts_of(moment: datetime | None) -> list[float]:
    """Year, month (1 to 12), day (1 to 31), weekday (0 is Monday), hour [0, 24), days since 2000; NaN for None."""
    if moment is None:
        return [math.nan] * len(PARTS)
    hour = moment.hour + moment.minute / 60 + moment.second / 3600
    elapsed = (moment - _START).total_seconds() / 86_400
    return [float(part) for part in (moment.year, moment.month, moment.day, moment.weekday(), hour, elapsed)]


def _parsed(cell: Any, order: DayOrder) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if not isinstance(cell, str):
        return None
    text = cell.strip()
    if _ISO.match(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    other = _OTHER.fullmatch(text)
    if other is None:
        return date_in_order(text, order)
    day = "%Y/%m/%d" if "/" in text else "%d.%m.%Y"
    time = "" if other[2] is None else " %H:%M" if other[3] is None else " %H:%M:%S"
    try:
        return datetime.strptime(text, day + time)
    except ValueError:
        return None
