"""Tables with a row a series: a column a step, and one of classes; as spreadsheets have them, and the UCR archive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.data.columns import why_no_data
from perceivers.data.numbers import number_of
from perceivers.data.tables import ListTable, Table
from perceivers.data.words import listed
from perceivers.errors import DataError
from perceivers.text_files import read_plain_text

# Fewer columns of numbers may as well be channels of one step each.
FEWEST_STEPS = 8


def wide_table(table: Table, values_column: str, label_column: str) -> ListTable | None:
    """The series of a table with a row a series; None where it has no class column, or too few columns of numbers.

    Args:
        table: the rows; columns that hold numbers alone are the steps, in order.
        values_column: what the values are called in the result.
        label_column: column of the classes.
    """
    if label_column not in table.columns:
        return None
    steps: list[str] = []
    others: list[str] = []
    for name in table.columns:
        if name != label_column:
            cells = table.column(name)
            reason = why_no_data(name, cells)
            is_steps = reason is None or reason == "is empty" or reason.startswith("is '")
            (steps if is_steps and _are_numbers(cells, table.decimal) else others).append(name)
    if len(steps) < FEWEST_STEPS:
        return None
    values = np.stack([table.numbers(name) for name in steps], axis=1)
    labels = table.column(label_column)
    rows = [
        {values_column: _without_end(series)[:, None], label_column: label}
        for series, label in zip(values, labels, strict=True)
    ]
    found = ListTable(rows, table.source, [table.name(index) for index in range(len(table))])
    note = f"`{table.source}`: each row is one series, its steps in the {len(steps)} columns {steps[0]} to {steps[-1]}"
    found.left_out = table.left_out
    found.notes = [*table.notes, note + (f"; left out: {listed(others)}" if others else "")]
    return found


def is_archive_file(path: Path) -> bool:
    """Whether a file of text begins as those of the UCR archive: a class and at least eight numbers, without names."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            fields = _fields(file.readline(1 << 20))
    except (OSError, UnicodeDecodeError):
        return False
    return len(fields) > FEWEST_STEPS and all(map(_is_number, fields)) and _is_whole(fields[0])


def read_archive_file(path: Path, values_column: str, label_column: str) -> ListTable:
    """Read the series of a file of the UCR archive: a line a series, its class first, apart by tabs, blanks or commas.

    Args:
        path: the file. `NaN` is a missing value; those at the end of a line only fill it up.
        values_column: what the values are called.
        label_column: what the class is called.

    Raises:
        DataError: a line holds something else.
    """
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    try:
        lines = read_plain_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"`{path}` cannot be read as text: {error}") from error
    width = None
    for number, line in enumerate(lines, start=1):
        fields = _fields(line)
        if not fields:
            continue
        width = width or len(fields)
        if len(fields) != width or not all(map(_is_number, fields)):
            raise DataError(
                f"`{path}`, line {number}: expected a class and {width - 1} numbers, received {line.strip()[:60]!r}"
            )
        values = np.array([float(field) for field in fields[1:]], dtype=np.float64)
        rows.append({values_column: _without_end(values)[:, None], label_column: _class_of(fields[0])})
        names.append(f"{path}, line {number}")
    found = ListTable(rows, str(path), names)
    found.notes = [f"`{path}`: each line is one series, its class first and then {(width or 1) - 1} steps"]
    return found


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.split(",")] if "," in line else line.split()


def _class_of(field: str) -> str:
    """The class as it is written; 1.0000000e+00, as older files have it, is 1."""
    return str(int(float(field))) if "e" in field.lower() else field


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _is_whole(field: str) -> bool:
    value = float(field)
    return math.isfinite(value) and value.is_integer()


def _are_numbers(cells: Sequence[Any], decimal: Any) -> bool:
    try:
        for cell in cells:
            number_of(cell, decimal)
    except DataError:
        return False
    return True


def _without_end(values: np.ndarray) -> np.ndarray:
    """A series without the missing values behind its last one."""
    known = np.flatnonzero(np.isfinite(values))
    return np.asarray(values[: known[-1] + 1] if len(known) else values[:1], dtype=np.float32)
