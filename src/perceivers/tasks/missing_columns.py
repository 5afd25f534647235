"""What helps where a table lacks a column: the argument that names another one, the name that a run reads, a note."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError, MissingColumnError


@contextmanager
def naming_arguments(*chosen: Any) -> Iterator[None]:
    """Add to a MissingColumnError which argument names another column.

    Args:
        chosen: dataclasses of arguments whose fields called `..._column` and `..._columns` name columns.
    """
    try:
        yield
    except MissingColumnError as error:
        argument = error.option or _naming(error.column, chosen)
        if argument is not None:
            option = f"--{argument.replace('_', '-')}"
            _add(error, f"; `{argument}` ({option}) names another column")
        raise


@contextmanager
def of_a_trained_run() -> Iterator[None]:
    """Add to a MissingColumnError that names of columns are the run's."""
    try:
        yield
    except MissingColumnError as error:
        _add(error, "; the run knows it by this name: rename the column that holds the same")
        raise


def lacking_told(table: Table | StreamTable, wanted: Sequence[str]) -> list[str]:
    """A note of the columns that a table lacks, each of which may; none where it has all.

    Args:
        table: what is answered from, or measured on.
        wanted: columns that the model reads.

    Raises:
        DataError: it lacks all of them, so that there is nothing to answer from.
    """
    lacking = [name for name in wanted if name not in table.columns]
    if lacking and len(lacking) == len(wanted):
        raise DataError(
            f"`{table.source}` must have one of the columns {', '.join(wanted)} to be answered from, received "
            f"{', '.join(table.columns)}"
        )
    if not lacking:
        return []
    return [f"`{table.source}` has no column {', '.join(lacking)}: what is missing is masked in every row"]


def _naming(column: str, chosen: tuple[Any, ...]) -> str | None:
    for arguments in chosen:
        for entry in dataclasses.fields(arguments):
            value = getattr(arguments, entry.name)
            if entry.name.endswith("_column") and value == column:
                return entry.name
            if entry.name.endswith("_columns") and isinstance(value, tuple) and column in value:
                return entry.name
    return None


def _add(error: MissingColumnError, cure: str) -> None:
    error.args = (f"{error}{cure}", *error.args[1:])
