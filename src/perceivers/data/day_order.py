"""Dates such as 3/4/2024, whose day and month stand in an order that other cells of their column tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from perceivers.data.evenly import evenly_spread

# "" where nothing tells it.
DayOrder = Literal["", "month first", "day first"]
ORDERS: tuple[DayOrder, ...] = ("month first", "day first")
EXAMPLES: dict[DayOrder, str] = {"month first": "3/31/2024", "day first": "31/3/2024"}
# Share of a column's cells that must be such dates to be worth a word.
MOSTLY = 0.98
# 03/04/2024, 3-4-24: March or April, nothing in them tells.
_EITHER = re.compile(r"\d{1,2}(?:[/-]\d{1,2}[/-](?:\d{4}|\d{2})|\.\d{1,2}\.\d{2})(?:[ T,].*)?")
_IN_ORDER = re.compile(
    r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?:(?:,? |T)(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AP])M)?)?",
    re.IGNORECASE,
)
_CURE = "write dates as 2024-03-31"


def may_be_two_dates(cell: Any) -> bool:
    """Whether a cell is written as a date of which nothing in it tells whether day or month comes first."""
    return isinstance(cell, str) and _EITHER.fullmatch(cell.strip()) is not None


def date_in_order(text: str, order: DayOrder) -> datetime | None:
    """The date, and the time if there is one, of 3/4/2024 or 3-4-2024; None of what is no date in this order.

    Args:
        text: such as `3/31/2024`, `3/31/2024 18:30`, `3/31/2024, 6:30:00 PM`.
        order: of its day and month; with "" there is no such date.
    """
    found = _IN_ORDER.fullmatch(text.strip()) if order else None
    if found is None:
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    month, day = (first, second) if order == "month first" else (second, first)
    hour, minute, second_of_minute = (int(part or 0) for part in found.group(5, 6, 7))
    if found[8]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[8].upper() == "P" else 0)
    try:
        return datetime(year, month, day, hour, minute, second_of_minute)
    except ValueError:
        return None


def day_order(cells: Iterable[Any]) -> DayOrder:
    """The order of a column's dates: that of the cells that are a date in one order alone, if they agree."""
    found = _only_in(cells)
    return next(iter(found)) if len(found) == 1 else ""


def why_no_order(cells: Sequence[Any], said: DayOrder = "") -> str:
    """Why the dates of a column cannot be read, and what to do; "" where they can, or where it holds hardly any.

    Args:
        cells: that hold something.
        said: the order that somebody has named, for dates that do not tell.
    """
    some = evenly_spread(cells)
    if not some or sum(map(may_be_two_dates, some)) < MOSTLY * len(some) or day_order(cells):
        return ""
    either = [cell for cell in cells if may_be_two_dates(cell)]
    found = _only_in(either)
    if found and not said:
        month, day = (found[order] for order in ORDERS)
        return f"{month!r:.40} is a date with its month first, and {day!r:.40} with its day: {_CURE}"
    if not any(map(_IN_ORDER.fullmatch, map(str.strip, either))):
        return f"the year of {either[0]!r:.40} has two digits: {_CURE}"
    if said:
        return ""
    return f"no cell tells whether day or month comes first in dates such as {either[0]!r:.40}: {_CURE}"


def _only_in(cells: Iterable[Any]) -> dict[DayOrder, str]:
    """The first cell that is a date in one order alone, by this order."""
    found: dict[DayOrder, str] = {}
    for cell in dict.fromkeys(cell for cell in cells if may_be_two_dates(cell)):
        read = [order for order in ORDERS if date_in_order(cell, order) is not None]
        if len(read) == 1:
            found.setdefault(read[0], cell)
    return found
