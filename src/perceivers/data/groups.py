"""What each row belongs to: the patient, the speaker, the document, whose rows stay in one part."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from pathlib import PurePath
from typing import Any

from perceivers.data.numbers import is_missing
from perceivers.data.tables import FILE_COLUMN, Table, require_columns
from perceivers.errors import DataError


def groups_of(table: Table, column: str | None, pattern: str | None) -> list[Hashable]:
    """The group of every row.

    Args:
        table: the rows.
        column: whose equal values are a group; None: `file`.
        pattern: regular expression that is searched in the values, of files in their names or, where these do not tell, in
            their paths; what its first group found, or all of it, is the group.

    Returns:
        A group a row; a row without a value is a group of its own.

    Raises:
        DataError: the column is absent, or the pattern is not found in a value.
    """
    name = column or FILE_COLUMN
    require_columns(table, name)
    values = table.column(name)
    if pattern is not None:
        compiled = re.compile(pattern)
        searched = values if column is not None else _names_of_files(values, compiled, table.source)
        values = [
            value if is_missing(value) else _searched(compiled, text, table.name(index))
            for index, (value, text) in enumerate(zip(values, searched, strict=True))
        ]
    return [
        ("row", index) if is_missing(value) else value if isinstance(value, Hashable) else str(value)
        for index, value in enumerate(values)
    ]


def _names_of_files(values: Sequence[Any], compiled: re.Pattern[str], source: str) -> list[str]:
    """What is searched of files: their names; where one of these does not tell, the paths below the folder of the data.

    How the folder itself is called, and how somebody has written its path, tells nothing.
    """
    paths = [PurePath(str(value)) for value in values]
    if all(
        is_missing(value) or compiled.search(path.name) for value, path in zip(values, paths, strict=True)
    ):
        return [path.name for path in paths]
    return [str(path.relative_to(source) if path.is_relative_to(source) else path) for path in paths]


def on_both_sides(one: Iterable[Hashable], other: Iterable[Hashable]) -> list[Hashable]:
    """Groups of two parts that are in both, in the order of the second."""
    known = set(one)
    return list(dict.fromkeys(group for group in other if group in known))


def _searched(compiled: re.Pattern[str], value: Any, name: str) -> str:
    match = compiled.search(str(value))
    if match is None:
        raise DataError(f"`{name}`: `group_pattern` {compiled.pattern!r} is not found in {str(value)!r}")
    return match.group(1 if compiled.groups else 0) or ""
