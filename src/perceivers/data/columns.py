"""Columns that are no data although they hold values: row numbers, ids, constants, names of parts, nothing at all."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from perceivers.data.duration_forms import form_of
from perceivers.data.numbers import is_missing, number_of
from perceivers.data.parts import parts_told
from perceivers.errors import DataError

# In a shorter table without a name that tells more, chance makes numbers that count, or values that differ.
FEWEST_ROWS = 10
# Of distinct whole numbers in any order, as many make chance impossible where they fill at least half of their range.
FEWEST_UNORDERED = 30

ROW = ("row", "rows")

# Share of durations in a column of them that may look like ids.
MOSTLY_DURATIONS = 0.9

_NAMELESS = re.compile(r"|unnamed: ?\d+(?:\.\d+)?|level_\d+")
_NAMING_WORDS = frozenset({"id", "ids", "uid", "guid", "uuid", "key"})
_ID_WORDS = _NAMING_WORDS | {"idx", "index", "rowid", "rownum", "rownames", "hash"}
_TIME_WORDS = frozenset(
    {"time", "date", "datetime", "timestamp", "year", "month", "day", "hour", "created", "updated"}
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_UUID = re.compile(
    r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}"
)
_TOKEN = re.compile(r"(?=.*\d)[\w#-]{1,40}")
# 12kg, 3-4, 2020-01-31, 1,5: told by their digits, not by their being different.
_MEASURE = re.compile(r"[+-]?[\d.,]+\s?[^\W\d]{0,3}|\d+-\d+(?:-\d+)?")


def why_no_data(name: str, values: Sequence[Any]) -> str | None:
    """Why a column can teach a model nothing, or only what it must not learn.

    Numbers that are different in every row are data, and so are texts, names of files and dates: only what counts rows or
    names them is not.

    Args:
        name: of the column.
        values: its cells in all training rows, in the order of the table.

    Returns:
        The end of a sentence that begins with the column's name, such as "is empty"; None where it is data.
    """
    present = [value for value in values if not is_missing(value)]
    if not present:
        return "is empty"
    if len(values) < 2 or not all(issubclass(kind, Hashable) for kind in set(map(type, present))):
        return None
    if len(present) == len(values) and _is_constant(present):
        return f"is {str(present[0])[:40]!r} in every row"
    if parts_told(name, present):
        return "says which part a row is of"
    return _why_index(name, values, present, ROW)


def why_index_of_groups(name: str, groups: Sequence[Sequence[Any]], what: tuple[str, str]) -> str | None:
    """Why a column of rows that come in groups, as the entities of sets do, only counts or names them.

    It may do so over all of them, or within each group anew. Within groups a column with a name of its own is data: the place
    in a group may mean something where nothing else tells it.

    Args:
        name: of the column.
        groups: its cells in each group, in order; none of them missing.
        what: one row, and several, are called.

    Returns:
        As `why_no_data`.
    """
    several = [cells for cells in groups if len(cells) > 1]
    if several and _is_id_name(name) and all(is_row_number(name, cells) for cells in several):
        return _counts(name, what)
    joined = [cell for cells in groups for cell in cells]
    return _why_index(name, joined, joined, what) if len(joined) > 1 else None


def _why_index(name: str, values: Sequence[Any], present: Sequence[Any], what: tuple[str, str]) -> str | None:
    if not _are_distinct(present):
        return None
    if is_row_number(name, values):
        return _counts(name, what)
    if _are_ids(name, values, present):
        return f"is different in every {what[0]}, as an id is"
    return None


def _counts(name: str, what: tuple[str, str]) -> str:
    counts = f"only counts the {what[1]}"
    return f"has no name and {counts}" if is_nameless(name) else counts


def is_row_number(name: str, values: Sequence[Any]) -> bool:
    """Whether a column only counts rows: 0, 1, 2 or 1, 2, 3, or whole numbers that rise by one constant step.

    A column without a name, as pandas writes its index, counts rows in any order, and with gaps: rows of a table may have
    been mixed, or taken from a larger one. Years and seconds that rise are times.

    Args:
        name: of the column.
        values: its cells, in the order of the table.
    """
    if len(values) < 2 or (numbers := _whole_numbers(values)) is None:
        return False
    if is_nameless(name):
        return True
    if len(values) < (2 if _is_id_name(name) else FEWEST_ROWS) or _are_times(name, numbers):
        return False
    steps = {after - before for before, after in pairwise(numbers)}
    return len(steps) == 1 and steps.pop() > 0


def is_nameless(name: str) -> bool:
    """Whether a column has no name, or that which pandas gives to one without."""
    return _NAMELESS.fullmatch(name.strip().lower()) is not None


def _are_ids(name: str, values: Sequence[Any], present: Sequence[Any]) -> bool:
    if len(present) < 0.9 * len(values):
        return False
    if all(isinstance(value, str) for value in present):
        if all(map(_UUID.fullmatch, present)):
            return True
        fewest = 2 if _is_id_name(name) else FEWEST_UNORDERED
        if len(present) >= fewest and all(map(_TOKEN.fullmatch, present)):
            # PT1H29M and 2h50m are told apart as 12kg is.
            is_measured = any(map(_MEASURE.fullmatch, present)) or form_of(present, MOSTLY_DURATIONS)
            return _is_id_name(name) or not is_measured
    numbers = _whole_numbers(present)
    if numbers is None or _are_times(name, numbers):
        return False
    if _is_id_name(name):
        return True
    return len(numbers) >= FEWEST_UNORDERED and max(numbers) - min(numbers) < 2 * len(numbers)


def _is_constant(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def _are_distinct(values: Sequence[Any]) -> bool:
    # Most columns show a value twice soon.
    return all(len(set(part)) == len(part) for part in (values[:100], values))


def _whole_numbers(values: Sequence[Any]) -> list[int] | None:
    """The cells as distinct whole numbers; None where one of them is missing, twice there, or something else."""
    numbers: list[int] = []
    for value in values:
        if isinstance(value, bool | np.bool_):
            return None
        try:
            number = number_of(value)
        except DataError:
            return None
        if number is None or not number.is_integer():
            return None
        numbers.append(int(number))
    return numbers if len(set(numbers)) == len(numbers) else None


def _words_of(name: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(name)}


def names_things(name: str) -> bool:
    """Whether a column's name says that its numbers name things, as `film_id` does; those of `uv_index` measure."""
    return not _NAMING_WORDS.isdisjoint(_words_of(name))


def _is_id_name(name: str) -> bool:
    return is_nameless(name) or not _ID_WORDS.isdisjoint(_words_of(name))


def _are_times(name: str, numbers: Sequence[int]) -> bool:
    """Whether whole numbers are times: a name says so, or they are days such as 20240131, or seconds since 1970."""
    if not _TIME_WORDS.isdisjoint(_words_of(name)):
        return True
    lowest, highest = min(numbers), max(numbers)
    if lowest >= 19000101 and highest <= 21001231:
        return all(map(_is_day, numbers))
    # Seconds, thousandths or millionths of one, from 1985 to 2100.
    return any(lowest >= 4.7e8 * unit and highest <= 4.1e9 * unit for unit in (1, 1_000, 1_000_000))


def _is_day(number: int) -> bool:
    try:
        datetime.strptime(str(number), "%Y%m%d")
    except ValueError:
        return False
    return True
