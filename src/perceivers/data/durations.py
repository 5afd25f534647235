"""Cells of a table as durations, in seconds."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

MINUTE, HOUR, DAY = 60, 3_600, 86_400

_FRACTION = r"(?:[.,](?P<fraction>[0-9]{1,9}))?"
# 1:02, 1:29:53, -0:45.3, 1 days 02:03:04, -1 day, 22:57:57, 12:30 h
CLOCK = re.compile(
    r"(?:(?P<days>[+-]?[0-9]{1,7}) days?(?P<comma>,?) )?(?P<sign>[+-])?(?P<first>[0-9]{1,9}):(?P<second>[0-5][0-9])"
    rf"(?::(?P<third>[0-5][0-9]))?{_FRACTION}(?: ?(?P<unit>h|min))?"
)
# ISO 8601 without years and months, whose lengths differ: PT1H29M53S, P3DT4H. Each part may have a sign, as pandas writes a
# little less than nothing, P-1DT23H57M48S, and Java, PT-2M-12S.
_WHOLE = "[+-]?[0-9]{1,9}"
ISO = re.compile(
    rf"(?P<sign>[+-])?P(?!$)(?:(?P<weeks>{_WHOLE})W)?(?:(?P<days>{_WHOLE})D)?"
    rf"(?:T(?!$)(?:(?P<hours>{_WHOLE})H)?(?:(?P<minutes>{_WHOLE})M)?(?:(?P<seconds>{_WHOLE}){_FRACTION}S)?)?"
)
_ISO_PARTS = {"weeks": 7 * DAY, "days": DAY, "hours": HOUR, "minutes": MINUTE, "seconds": 1}
_WORDS = {
    "d": "d(?:ays?)?",
    "h": "h(?:rs?|ours?)?",
    "m": "m(?:ins?|inutes?)?",
    "s": "s(?:ecs?|econds?)?",
}
UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1}
# 2h 50m, 1 d 4 h, 90 min, 3 days, 12.5 sec
IN_UNITS = re.compile(
    r"(?P<sign>[+-])?"
    + r"(?:,? )?".join(
        rf"(?:(?P<{unit}>[0-9]{{1,9}}(?:[.,][0-9]{{1,9}})?) ?(?P<{unit}_word>{words}))?"
        for unit, words in _WORDS.items()
    ),
    re.IGNORECASE,
)


def seconds_of(cell: Any) -> float | None:
    """A duration in seconds; None where the cell is none.

    Args:
        cell: a `timedelta`, as pandas has it too; a `time`, which is what has passed since midnight; or a text: 1:02 (a
            minute and two seconds; with `h` behind it an hour and two minutes), 1:29:53, 0:45.3 and 0:45,3,
            1 days 02:03:04, PT1H29M53S, 2h 50m, 90 min; each with a sign or without.
    """
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    if isinstance(cell, time):
        return cell.hour * HOUR + cell.minute * MINUTE + cell.second + cell.microsecond / 1e6
    if not isinstance(cell, str):
        return None
    text = cell.strip()
    if found := CLOCK.fullmatch(text):
        return _of_clock(found)
    if found := ISO.fullmatch(text):
        total = sum(int(found[name] or 0) * length for name, length in _ISO_PARTS.items())
        is_less = (found["seconds"] or "").startswith("-")
        return _signed(total + (-_fraction(found) if is_less else _fraction(found)), found)
    if (found := IN_UNITS.fullmatch(text)) and units_in(found):
        return _signed(
            sum(float(found[unit].replace(",", ".")) * UNITS[unit] for unit in units_in(found)), found
        )
    return None


def _of_clock(found: re.Match[str]) -> float:
    first, second, third = int(found["first"]), int(found["second"]), found["third"]
    is_in_hours = third is not None or found["unit"] == "h" or found["days"] is not None
    largest, smaller = (HOUR, MINUTE) if is_in_hours else (MINUTE, 1)
    total = _signed(
        first * largest + second * smaller + int(third or 0) + _fraction(found) * (1 if third else smaller),
        found,
    )
    # What follows days has a sign of its own: -1 days +22:57:57 is a little less than nothing.
    return int(found["days"] or 0) * DAY + total


def _fraction(found: re.Match[str]) -> float:
    digits = found["fraction"]
    return int(digits) / 10 ** len(digits) if digits else 0.0


def _signed(total: float, found: re.Match[str]) -> float:
    return -float(total) if found["sign"] == "-" else float(total)


def units_in(found: re.Match[str]) -> list[str]:
    """The units that a match of IN_UNITS has, the largest first."""
    return [unit for unit in UNITS if found[unit]]
