"""One series in a file of its own: a CSV table with a row a step, or a NumPy array [num_steps, num_channels]."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perceivers.array_files import read_npy
from perceivers.errors import DataError

SERIES_SUFFIXES = (".csv", ".tsv", ".npy")
MISSING_WORDS = ("", "nan", "na", "null", "none", "?")


@dataclass(frozen=True)
class SeriesColumns:
    """Which columns of a table hold a series.

    Args:
        channels: names of the channels, in order; none: all columns that are not among `others`.
        time: column that the steps are sorted by; None: they are in order.
        others: columns that are no channels: the class, the number of the series.
    """

    channels: tuple[str, ...] = ()
    time: str | None = None
    others: tuple[str, ...] = ()

    def channels_of(self, columns: Sequence[str], source: str) -> list[str]:
        """Names of the channels among the columns of a table; a DataError for one that is absent."""
        for name in (*self.channels, *filter(None, [self.time])):
            if name not in columns:
                raise DataError(f"`{source}` must have a column {name!r}, received {', '.join(columns)}")
        found = list(self.channels) or [
            name for name in columns if name != self.time and name not in self.others
        ]
        if not found:
            raise DataError(
                f"`{source}` must have a column for each channel, received only {', '.join(columns)}"
            )
        return found


def read_series_file(path: Path, columns: SeriesColumns) -> np.ndarray:
    """Read one series.

    Args:
        path: `.npy`, or a table divided by commas (`.csv`) or tabs (`.tsv`), with or without a line of names.
        columns: which columns count; names need a line of names.

    Returns:
        float32 [num_steps, num_channels], NaN where a value is missing.
    """
    if path.suffix.lower() == ".npy":
        return _read_array(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [
                (number, row)
                for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=1)
                if row
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"`{path}` cannot be read as a table: {error}") from error
    if not lines:
        raise DataError(f"`{path}` holds no steps: it is empty")
    names = [cell.strip() for cell in lines[0][1]]
    if any(not _is_number(name) for name in names):
        lines = lines[1:]
    elif columns.channels or columns.time:
        raise DataError(f"`{path}` must begin with a line of column names, received {', '.join(names[:5])}")
    else:
        names = [str(index) for index in range(len(names))]
    if not lines:
        raise DataError(f"`{path}` holds no steps: only a line of column names")
    wanted = columns.channels_of(names, str(path))
    places = [names.index(name) for name in wanted]
    times = None if columns.time is None else names.index(columns.time)
    values = np.empty((len(lines), len(places)), dtype=np.float32)
    keys: list[float] = []
    for index, (number, row) in enumerate(lines):
        if len(row) != len(names):
            raise DataError(f"`{path}`, line {number}: expected {len(names)} values, received {len(row)}")
        values[index] = [to_number(row[place], f"`{path}`, line {number}", names[place]) for place in places]
        if times is not None:
            keys.append(to_number(row[times], f"`{path}`, line {number}", names[times]))
    return values if times is None else values[np.argsort(keys, kind="stable")]


def to_number(value: object, where: str, column: str) -> float:
    """A cell as a number; NaN for None and for the usual words of a missing value; else a DataError."""
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING_WORDS):
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: expected a number in the column {column!r}, received {value!r}") from error


def as_series(values: object) -> np.ndarray:
    """What a table or an array file holds for a series as float32 [num_steps, num_channels]; one axis is one channel."""
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"a series must be numbers [num_steps, num_channels], all steps with as many: {error}"
        ) from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(
            f"a series must have the shape [num_steps, num_channels], at least one of each, received {list(array.shape)}"
        )
    return array


def _read_array(path: Path) -> np.ndarray:
    array = read_npy(path)
    try:
        return as_series(array)
    except DataError as error:
        raise DataError(f"`{path}`: {error}") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() in MISSING_WORDS
    return True
