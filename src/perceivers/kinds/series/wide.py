"""Tables with a row a series: a column a step, and one of classes; as spreadsheets have them, and the UCR archive."""

from __future__ import annotations

import math
import re
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
_ENDS_IN_NUMBER = re.compile(r"(.*?)(\d+)", re.DOTALL)


class WideSeries(ListTable):
    """Series of a table with a row a series.

    Attributes:
        steps: names of the columns that are their steps, in order.
    """

    steps: tuple[str, ...] = ()


def wide_table(
    table: Table, values_column: str, label_column: str, known: Sequence[str] = ()
) -> WideSeries | None:
    """The series of a table with a row a series; None where it has no class column, or too few columns of numbers.

    Args:
        table: the rows; columns that hold numbers alone are the steps, in order. Of columns in the order of letters
            that are called alike but for a number, such as t0, t1, t10, t2, the numbers are the order.
        values_column: what the values are called in the result.
        label_column: column of the classes.
        known: the steps of other series, by which those of this table are found, with classes or without. It may have the
            first of them alone, where its series are shorter.

    Raises:
        DataError: it has some of the known steps, but not the first ones.
    """
    has_classes = label_column in table.columns
    steps = _known_steps(table, known)
    if not steps:
        if not has_classes:
            return None
        found = [name for name in table.columns if name != label_column and _is_step(table, name)]
        steps = in_order_of_numbers(found)
        if len(steps) < FEWEST_STEPS:
            return None
    others = [name for name in table.columns if name not in {*steps, label_column}]
    values = np.stack([table.numbers(name) for name in steps], axis=1)
    rows: list[dict[str, Any]] = [{values_column: _without_end(series)[:, None]} for series in values]
    if has_classes:
        for row, label in zip(rows, table.column(label_column), strict=True):
            row[label_column] = label
    series = WideSeries(rows, table.source, [table.name(index) for index in range(len(table))])
    note = f"`{table.source}`: each row is one series, its steps in the {len(steps)} columns {steps[0]} to {steps[-1]}"
    if [name for name in table.columns if name in set(steps)] != list(steps):
        note += ", which stand in another order"
    series.steps, series.left_out = tuple(steps), table.left_out
    series.notes = [*table.notes, note + (f"; left out: {listed(others)}" if others else "")]
    return series


def in_order_of_numbers(names: Sequence[str]) -> list[str]:
    """Names that stand in the order of their letters by the numbers at their ends, where these alone tell them apart."""
    parts = [match for match in map(_ENDS_IN_NUMBER.fullmatch, names) if match is not None]
    are_alike = len(parts) == len(names) and len({part[1] for part in parts}) == 1
    if not are_alike or list(names) != sorted(names):
        return list(names)
    return [part[0] for part in sorted(parts, key=lambda part: (int(part[2]), part[2]))]


def _known_steps(table: Table, known: Sequence[str]) -> list[str]:
    """The known steps that a table has; none where it has hardly any of them."""
    there = [name for name in known if name in table.columns]
    if there == list(known[: len(there)]):
        return there if len(there) >= min(FEWEST_STEPS, len(known)) else []
    absent = [name for name in known[: known.index(there[-1])] if name not in table.columns]
    raise DataError(
        f"`{table.source}` must have a column for each step of its series, received {there[0]} and others but no "
        f"{listed(absent)}: add them, empty where a value is missing"
    )


def _is_step(table: Table, name: str) -> bool:
    cells = table.column(name)
    reason = why_no_data(name, cells)
    may_be = reason is None or reason == "is empty" or reason.startswith("is '")
    return may_be and _are_numbers(cells, table.decimal)


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
