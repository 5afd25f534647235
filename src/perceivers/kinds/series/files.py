"""One series in a file of its own: a CSV table with a row a step, or a NumPy array [num_steps, num_channels]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.array_files import read_npy
from perceivers.data.delimited import DelimitedFile
from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import Decimal, numbers_of
from perceivers.data.some_cells import SomeCells
from perceivers.errors import DataError, MissingColumnError
from perceivers.kinds.series.number_texts import is_list_text
from perceivers.kinds.series.times import moments_of

SERIES_SUFFIXES = (".csv", ".tsv", ".npy")
# Files that tell how all of them write numbers.
FEW_FILES = 16


@dataclass(frozen=True)
class SeriesColumns:
    """Which columns of a table hold a series.

    Args:
        channels: names of the channels, in order; none: all columns that are not among `others`.
        time: column that the steps are sorted by; None: they are in order.
        others: columns that are no channels: the class, the number of the series.
        channels_first: whether arrays are [num_channels, num_steps].
        steps: names of the columns that are steps, in order, where a row is a series; none: they are not known.
        series: column of a long table that tells which series a step belongs to; a file of one series has one such value.
    """

    channels: tuple[str, ...] = ()
    time: str | None = None
    others: tuple[str, ...] = ()
    channels_first: bool = False
    steps: tuple[str, ...] = ()
    series: str = ""

    def takes(self, name: str) -> bool:
        """Whether a column may be a channel, or is the time."""
        return name == self.time or (name in self.channels if self.channels else name not in self.others)

    def channels_of(self, columns: Sequence[str], source: str) -> list[str]:
        """Names of the channels among the columns of a table; a DataError for one that is absent."""
        for name in (*self.channels, *filter(None, [self.time])):
            if name not in columns:
                raise MissingColumnError.of(
                    f"`{source}` must have a column {name!r}, received {', '.join(columns)}", name
                )
        found = list(self.channels) or [
            name for name in columns if name != self.time and name not in self.others
        ]
        if not found:
            raise DataError(
                f"`{source}` must have a column for each channel, received only {', '.join(columns)}"
            )
        return found


def read_series_file(path: Path, columns: SeriesColumns, decimal: Decimal = "point") -> np.ndarray:
    """Read one series.

    Args:
        path: `.npy`, or a table of text, see `perceivers.data.delimited`, with or without a line of names.
        columns: which columns count; names need a line of names.
        decimal: see `perceivers.data.numbers.number_of`.

    Returns:
        float32 [num_steps, num_channels], NaN where a value is missing.
    """
    if path.suffix.lower() == ".npy":
        return _read_array(path, columns)
    steps, rows, has_names = _read_steps(path)
    if not has_names and any(
        name not in steps for name in (*columns.channels, *filter(None, [columns.time]))
    ):
        first = [cells[0] or "" for cells in list(steps.values())[:5]]
        raise DataError(f"`{path}` must begin with a line of column names, received {', '.join(first)}")
    wanted = columns.channels_of(list(steps), str(path))
    if (count := len(set(steps.get(columns.series, ())))) > 1:
        raise DataError(
            f"`{path}` must be a single series, received {count:,} by the column {columns.series!r}: ask about it as a table"
        )

    def name(index: int) -> str:
        return f"{path}, row {rows[index]}"

    values = np.stack([numbers_of(steps[each], each, name, decimal) for each in wanted], axis=1)
    if columns.time is not None:
        names = [name(index) for index in range(len(values))]
        times = moments_of(steps[columns.time], names, columns.time, decimal)
        values = values[np.argsort(times, kind="stable")]
    try:
        return narrowed(values)
    except DataError as error:
        raise DataError(f"`{path}`: {error}") from error


def steps_of_file(path: Path) -> dict[str, list[str | None]] | None:
    """The cells of a file of one series by column; None of an array, whose channels have no names."""
    return None if path.suffix.lower() == ".npy" else _read_steps(path)[0]


def texts_of_files(cells: Sequence[Any], table: Any, columns: SeriesColumns) -> list[SomeCells]:
    """What is read of a few of the files that cells name, by column; files that cannot be read are passed over.

    Args:
        cells: of a column of series.
        table: what they are from.
        columns: which columns of a file count.
    """
    named = [cell for cell in cells if isinstance(cell, str) and cell and not is_list_text(cell)]
    found = []
    for file in map(table.path, evenly_spread(named, FEW_FILES)):
        try:
            steps = steps_of_file(file)
        except DataError:
            continue
        for name, own in (steps or {}).items():
            if not columns.takes(name):
                continue
            places = evenly_spread(range(len(own)))
            rows = [f"{file}, row {place + 1}" for place in places]
            found.append(SomeCells(name, [own[place] for place in places], rows))
    return found


def shape_of_array(path: Path) -> tuple[int, ...] | None:
    """Sizes of the array in a file; None of a table."""
    return tuple(np.shape(read_npy(path))) if path.suffix.lower() == ".npy" else None


def _read_steps(path: Path) -> tuple[dict[str, list[str | None]], range, bool]:
    """Cells by column, the numbers of their rows from 1, and whether the columns have names."""
    if path.is_file() and not path.stat().st_size:
        raise DataError(f"`{path}` holds no steps: it is empty")
    file = DelimitedFile.look_at(path, needs_names=False)
    steps: dict[str, list[str | None]] = {name: [] for name in file.columns}
    for batch in file.batches():
        for cells, more in zip(steps.values(), batch, strict=True):
            cells.extend(more)
    count = len(next(iter(steps.values())))
    return steps, range(1, count + 1), file.has_names


def as_series(values: object, *, channels_first: bool = False) -> np.ndarray:
    """What a table or an array file holds for a series as float32 [num_steps, num_channels]; one axis is one channel.

    Args:
        values: numbers.
        channels_first: whether two axes are [num_channels, num_steps].
    """
    try:
        array = narrowed(np.asarray(values))
    except DataError:
        raise
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
    return array.T if channels_first and np.ndim(values) == 2 else array  # type: ignore[arg-type]


def narrowed(values: np.ndarray) -> np.ndarray:
    """Numbers as float32.

    Raises:
        DataError: one is complex, or too large.
    """
    if np.iscomplexobj(values):
        raise DataError("a series must be real numbers, received complex ones: give their parts as channels")
    with np.errstate(over="ignore"):
        array = np.asarray(values, dtype=np.float32)
    if np.isinf(array).any() and values.dtype.kind in "fiu":
        largest = np.abs(values[np.isfinite(values)].astype(np.float64)).max(initial=0.0)
        if largest > np.finfo(np.float32).max:
            raise DataError(f"a series must have numbers of at most 3e38, received {largest:g}: scale them")
    return array


def _read_array(path: Path, columns: SeriesColumns) -> np.ndarray:
    array = read_npy(path)
    try:
        return as_series(array, channels_first=columns.channels_first)
    except DataError as error:
        raise DataError(f"`{path}`: {error}") from error
