"""What each row belongs to: the patient, the speaker, the document, whose rows stay in one part."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import Any

from perceivers.data.numbers import is_missing
from perceivers.data.tables import FILE_COLUMN, Table, require_columns
from perceivers.errors import DataError


def groups_of(table: Table, column: str | None, pattern: str | None) -> list[Hashable]:
    """The group of every row.

    Args:
        table: the rows.
        column: whose equal values are a group; None: `file`.
        pattern: regular expression that is searched in the values; what its first group found, or all of it, is the group.

    Returns:
        A group a row; a row without a value is a group of its own.

    Raises:
        DataError: the column is absent, or the pattern is not found in a value.
    """
    name = column or FILE_COLUMN
    require_columns(table, name)
    compiled = None if pattern is None else re.compile(pattern)
    found: list[Hashable] = []
    for index, value in enumerate(table.column(name)):
        if is_missing(value):
            found.append(("row", index))
        elif compiled is None:
            found.append(value if isinstance(value, Hashable) else str(value))
        else:
            found.append(_searched(compiled, value, table.name(index)))
    return found


def on_both_sides(one: Iterable[Hashable], other: Iterable[Hashable]) -> list[Hashable]:
    """Groups of two parts that are in both, in the order of the second."""
    known = set(one)
    return list(dict.fromkeys(group for group in other if group in known))


def _searched(compiled: re.Pattern[str], value: Any, name: str) -> str:
    match = compiled.search(str(value))
    if match is None:
        raise DataError(f"`{name}`: `group_pattern` {compiled.pattern!r} is not found in {str(value)!r}")
    return match.group(1 if compiled.groups else 0) or ""
