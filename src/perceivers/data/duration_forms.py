"""The form that a column writes its durations in, and seconds written in it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

from perceivers.data.durations import CLOCK, DAY, HOUR, IN_UNITS, ISO, MINUTE, UNITS, seconds_of, units_in

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_LAST_FRACTION = re.compile(r"[.,]([0-9]+)[^0-9]*$")
_DECIMALS = re.compile(r"\.(0+)")


def form_of(cells: Sequence[Any], mostly: float = 1.0) -> str:
    """How a column writes durations, as a duration of nothing: "0:00:00"; "" where it holds none.

    Where some times of a clock have fractions, as those of swimmers, numbers alone are seconds. A column that has both 59:30
    and 1:02:10 writes hours where there are any: "[0:]00:00"; but where 18:30 stands beside 18:30:15, nothing tells whether
    it is half past six or 18 minutes. A column of 5m and 7m may hold metres or millions: one cell at least must be a duration
    without doubt.

    Args:
        cells: that are not empty.
        mostly: share of the cells that must be durations, in (0, 1].
    """
    found = [cell for cell in cells if seconds_of(cell) is not None]
    if len(found) <= (1.0 - mostly) * len(cells) or not any(map(_is_certain, found)):
        return ""
    form = _common_form(found)
    if form.startswith("[0:]") and not any(map(_is_beyond_a_day_of_hours, found)):
        return ""
    known = len(found)
    if takes_numbers(form):
        known += sum(seconds_of(cell) is None and _is_number(cell) for cell in cells)
    return form if known >= mostly * len(cells) else ""


def takes_numbers(form: str) -> bool:
    """Whether a number alone is seconds in a column of this form: times of a clock with fractions."""
    return ":" in form and "." in form


def written(seconds: float, form: str) -> str:
    """Seconds in the form of a column, rounded to its last place.

    Args:
        seconds: any number; one that is not finite is written as it is.
        form: what `form_of` gave, not "".
    """
    if not math.isfinite(seconds):
        return str(seconds)
    found = _DECIMALS.search(form)
    decimals = len(found[1]) if found else 0
    ticks = round(seconds / _last_place(form) * 10**decimals)
    if " days" in form and ":" in form:
        # Less than nothing is so many days before, and what has passed of the first of them.
        days, ticks = divmod(ticks, DAY * 10**decimals)
        of_day = _as_clock(*_whole_and_fraction(ticks, decimals), form.rpartition(" ")[2])
        if "," in form:
            return of_day if not days else f"{days} day{'' if abs(days) == 1 else 's'}, {of_day}"
        return f"{days} days {'+' if days < 0 else ''}{of_day}"
    sign = "-" if ticks < 0 else ""
    whole, fraction = _whole_and_fraction(abs(ticks), decimals)
    if form.startswith("P"):
        return sign + _as_iso(whole, fraction)
    return sign + (_as_clock if ":" in form else _in_units)(whole, fraction, form)


def _whole_and_fraction(ticks: int, decimals: int) -> tuple[int, str]:
    whole, rest = divmod(ticks, 10**decimals)
    return whole, f".{rest:0{decimals}d}" if decimals else ""


def _last_place(form: str) -> int:
    """Seconds of the smallest unit that a form writes."""
    if form.startswith("P") or (":" in form and not form.endswith(" h")):
        return 1
    if ":" in form:
        return MINUTE if form.count(":") == 1 else 1
    return UNITS[_letters(form)[-1][1]]


def _as_clock(whole: int, fraction: str, form: str) -> str:
    """So many of the last place of a clock."""
    unit = form[form.index(" ") :] if " " in form else ""
    shape = form.removesuffix(unit).partition(".")[0]
    if shape.startswith("[0:]"):
        shape = "0:00:00" if whole >= HOUR else shape.removeprefix("[0:]")
    places = []
    for _ in range(shape.count(":")):
        whole, place = divmod(whole, 60)
        places.append(f":{place:02d}")
    width = shape.index(":")
    return f"{whole:0{width}d}{''.join(reversed(places))}{fraction}{unit}"


def _as_iso(whole: int, fraction: str) -> str:
    hours, rest = divmod(whole, HOUR)
    minutes, seconds = divmod(rest, MINUTE)
    parts = [f"{count}{letter}" for count, letter in ((hours, "H"), (minutes, "M")) if count]
    if seconds or fraction or not parts:
        parts.append(f"{seconds}{fraction}S")
    return "PT" + "".join(parts)


def _in_units(whole: int, fraction: str, form: str) -> str:
    """So many of the smallest unit, in all units of a form such as "0h 0m"."""
    units = _letters(form)
    counts = []
    for (_, unit), (_, larger) in zip(reversed(units), reversed([units[0], *units[:-1]]), strict=True):
        whole, count = divmod(whole, UNITS[larger] // UNITS[unit]) if larger != unit else (0, whole)
        counts.append(count)
    numbers = [str(count) for count in reversed(counts)]
    numbers[-1] += fraction
    return "".join(f"{number}{rest}" for number, (rest, _) in zip(numbers, units, strict=True))


def _letters(form: str) -> list[tuple[str, str]]:
    """What follows each number of a form in units, and the unit's letter."""
    parts = _NUMBER.split(form)[1:]
    return [(part, part.strip()[0].lower()) for part in parts]


def _common_form(cells: Sequence[Any]) -> str:
    """The most frequent shape of durations, with as many decimals as the cell that has the most."""
    shapes = Counter(map(_shape, cells))
    shape = max(shapes, key=lambda each: (shapes[each], each))
    plain = [each for each in shapes if re.fullmatch(r"0+(?::00)+", each)]
    if shape in plain and {each.count(":") for each in plain} == {1, 2}:
        shape = f"[0:]{'00' if '00:00' in plain else '0'}:00"
    decimals = max(map(_decimals, cells))
    last = shape.rindex("0") + 1
    return f"{shape[:last]}.{'0' * decimals}{shape[last:]}" if decimals else shape


def _shape(cell: Any) -> str:
    """The form of one duration, without decimals."""
    if isinstance(cell, timedelta):
        return "0 days 00:00:00"
    if isinstance(cell, time):
        return "00:00:00"
    text = cell.strip()
    if found := CLOCK.fullmatch(text):
        days = f"0 days{found['comma']} " if found["days"] else ""
        has_zero = len(found["first"]) > 1 and found["first"][0] == "0"
        # As pandas writes it, whose hours have two digits always.
        first = "00" if has_zero or days == "0 days " else "0"
        unit = f" {found['unit']}" if found["unit"] and not days else ""
        return f"{days}{first}:00{'' if found['third'] is None else ':00'}{unit}"
    if ISO.fullmatch(text):
        return "PT0S"
    return _NUMBER.sub("0", text.lstrip("+-"))


def _decimals(cell: Any) -> int:
    if isinstance(cell, timedelta | time):
        micro = cell.microseconds if isinstance(cell, timedelta) else cell.microsecond
        return len(f"{micro:06d}".rstrip("0"))
    found = _LAST_FRACTION.search(cell)
    return len(found[1]) if found else 0


def _is_beyond_a_day_of_hours(cell: Any) -> bool:
    """Whether the first of two parts of a clock can be no hour of a day."""
    found = CLOCK.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return found is not None and found["third"] is None and int(found["first"]) >= 24


def _is_certain(cell: Any) -> bool:
    """Whether a duration is nothing else: 5m may be metres, or millions."""
    found = IN_UNITS.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        return True
    words = [found[f"{unit}_word"] for unit in units_in(found)]
    return len(words) > 1 or len(words[0]) > 2


def _is_number(cell: Any) -> bool:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return False
    try:
        return math.isfinite(float(cell)) and "_" not in str(cell)
    except ValueError:
        return False
