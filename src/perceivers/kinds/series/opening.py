"""Labelled series from whatever holds them: `.ts` files, class folders, a table of files, one long table of steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.arguments.data import DataArguments
from perceivers.data.opening import PART_NAMES, open_tables
from perceivers.data.tables import LABEL_COLUMN, ListTable, StreamTable, Table, require_columns
from perceivers.errors import DataError
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns
from perceivers.processors.series.ts import read_ts

VALUES_COLUMN = "series"
TS_SUFFIX = ".ts"


def open_series(
    arguments: DataArguments, columns: SeriesColumns, series_column: str, label_column: str
) -> dict[str, Table]:
    """Open the tables of a data set of series, by part, with a row a series.

    Args:
        arguments: see DataArguments; series are not streamed.
        columns: which columns of a long table are channels and time.
        series_column: column of a long table that tells which series a step belongs to.
        label_column: column with the class; it is handed on under its name.

    Returns:
        Tables whose rows have the values of a series (`series`: numbers [num_steps, num_channels]), or what the table has for
        its file.
    """
    if arguments.streaming:
        raise DataError("`streaming` is not possible with series: their steps are gathered first")
    tables = _open(arguments.data, arguments, columns, series_column, label_column)
    if "train" not in tables:
        raise DataError(
            f"`data` {arguments.data!r} must have a part `train`, received only {', '.join(sorted(tables))}"
        )
    for part, other in (("validation", arguments.validation_data), ("test", arguments.test_data)):
        if other is not None:
            opened = _open(other, arguments, columns, series_column, label_column)
            tables[part] = opened.get(part) or next(iter(opened.values()))
    return tables


def ts_table(path: Path, label_column: str = LABEL_COLUMN) -> ListTable:
    """The series of a `.ts` file, and their classes where it has some."""
    lines = read_ts(path)
    rows: list[dict[str, Any]] = [
        {VALUES_COLUMN: line.values}
        if line.label is None
        else {VALUES_COLUMN: line.values, label_column: line.label}
        for line in lines
    ]
    return ListTable(rows, str(path), [f"{path}, line {line.line}" for line in lines])


def is_long(table: Table, series_column: str) -> bool:
    """Whether a table has a row a step: its column `series_column` holds numbers or names, no arrays."""
    return series_column in table.columns and not isinstance(
        table[0][series_column], list | tuple | np.ndarray
    )


def gather_series(
    table: Table, columns: SeriesColumns, series_column: str, label_column: str | None
) -> ListTable:
    """The series of a table with a row a step, in the order in which they begin.

    Args:
        table: rows of any order; those of one series have the same value of `series_column`.
        columns: see SeriesColumns.
        series_column: tells which series a step belongs to.
        label_column: column with the class, the same in all rows of a series; None: there are no classes.

    Returns:
        Rows `series`, float32 [num_steps, num_channels], and the class under the name of its column.
    """
    require_columns(table, series_column, *filter(None, [label_column]))
    channels = columns.channels_of(table.columns, table.source)
    members: dict[Any, list[int]] = {}
    for index, key in enumerate(table.column(series_column)):
        if key is None or key == "":
            raise DataError(f"`{table.name(index)}` has no value in the column {series_column!r}")
        members.setdefault(key, []).append(index)
    values = np.stack([table.numbers(name) for name in channels], axis=1)
    times = None if columns.time is None else table.numbers(columns.time)
    labels = None if label_column is None else table.column(label_column)
    rows: list[dict[str, Any]] = []
    for indices in members.values():
        steps = np.array(indices)
        if times is not None:
            steps = steps[np.argsort(times[steps], kind="stable")]
        row: dict[str, Any] = {VALUES_COLUMN: values[steps]}
        if labels is not None and label_column is not None:
            row[label_column] = _one_label(table, labels, indices, label_column)
        rows.append(row)
    return ListTable(rows, table.source, [f"{table.source}, series {key}" for key in members])


def _open(
    data: str, arguments: DataArguments, columns: SeriesColumns, series_column: str, label_column: str
) -> dict[str, Table]:
    files = _ts_files(Path(data))
    if files:
        return {part: ts_table(path, label_column) for part, path in files.items()}
    source = DataArguments(data=data, subset=arguments.subset, decimal=arguments.decimal)
    tables: dict[str, Table] = {}
    for part, table in open_tables(source, SERIES_SUFFIXES).items():
        assert not isinstance(table, StreamTable)
        long = is_long(table, series_column)
        tables[part] = gather_series(table, columns, series_column, label_column) if long else table
    return tables


def _ts_files(path: Path) -> dict[str, Path]:
    """`.ts` files by part: the file itself, or those of a folder, which end in _TRAIN and _TEST."""
    if path.is_file():
        return {"train": path} if path.suffix.lower() == TS_SUFFIX else {}
    if not path.is_dir():
        return {}
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == TS_SUFFIX)
    parts = {PART_NAMES.get(file.stem.rpartition("_")[2].lower(), ""): file for file in files}
    if files and ("" in parts or len(parts) < len(files)):
        raise DataError(
            f"`{path}` must hold .ts files of one data set, ending in _TRAIN and _TEST, received "
            f"{', '.join(file.name for file in files)}"
        )
    return parts


def _one_label(table: Table, labels: Sequence[Any], indices: Sequence[int], column: str) -> Any:
    first = labels[indices[0]]
    for index in indices:
        if labels[index] != first:
            raise DataError(
                f"`{table.name(index)}` has {labels[index]!r} in the column {column!r}, although its series began with "
                f"{first!r}"
            )
    return first
