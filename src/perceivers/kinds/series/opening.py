"""Labelled series from whatever holds them: `.ts` files, class folders, a table of files, one long table of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.arguments.data import DataArguments
from perceivers.data.given_parts import with_given_parts
from perceivers.data.notation import notation_of
from perceivers.data.opening import open_tables
from perceivers.data.some_cells import SomeCells, cells_with_texts
from perceivers.data.tables import ListTable, StreamTable, Table, require_columns
from perceivers.errors import DataError
from perceivers.kinds.series.archives import VALUES_COLUMN, archive_files, archive_table
from perceivers.kinds.series.channels import choose_channels
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns, texts_of_files
from perceivers.kinds.series.number_texts import is_list_text
from perceivers.kinds.series.reading import looks_like_series
from perceivers.kinds.series.times import moments_of, times_told_twice
from perceivers.kinds.series.wide import wide_table

# Series that tell which columns are channels.
MOST_LOOKED_AT = 64


class GatheredSeries(ListTable):
    """Series of a table with a row a step.

    Attributes:
        channels: names of their channels, in order.
    """

    channels: tuple[str, ...] = ()


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

    def opened(data: str) -> dict[str, Table]:
        # The other parts are written as the training part is.
        decimal = tables["train"].decimal if arguments.decimal == "auto" else arguments.decimal
        return _open(data, replace(arguments, decimal=decimal), columns, series_column, label_column)

    return with_given_parts(tables, arguments, opened)


def is_long(table: Table, series_column: str) -> bool:
    """Whether a table has a row a step: its column `series_column` holds numbers or names, no arrays."""
    if series_column not in table.columns:
        return False
    cell = table[0][series_column]
    return not isinstance(cell, list | tuple | np.ndarray) and not is_list_text(cell)


def names_files(table: Table, column: str) -> bool:
    """Whether a column names files of series that are there, to judge by its first cell."""
    cell = table[0][column]
    is_path = isinstance(cell, str) and not is_list_text(cell) and looks_like_series(cell)
    return is_path and table.path(cell).is_file()


def gather_series(
    table: Table, columns: SeriesColumns, series_column: str, label_column: str | None
) -> GatheredSeries:
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
    members: dict[Any, list[int]] = {}
    for index, key in enumerate(table.column(series_column)):
        if key is None or key == "":
            raise DataError(f"`{table.name(index)}` has no value in the column {series_column!r}")
        members.setdefault(key, []).append(index)
    candidates = columns.channels_of(table.columns, table.source)
    cells = {name: table.column(name) for name in candidates}
    some = [
        {name: [column[index] for index in indices] for name, column in cells.items()}
        for indices in list(members.values())[:MOST_LOOKED_AT]
    ]
    channels, notes = choose_channels(candidates, some, columns, table.source, table.decimal)
    values = np.stack([table.numbers(name) for name in channels], axis=1)
    times = None
    if columns.time is not None:
        names = [table.name(index) for index in range(len(table))]
        times = moments_of(table.column(columns.time), names, columns.time, table.decimal)
        if twice := times_told_twice(times, list(members.values())):
            notes = [
                *notes,
                f"`{table.source}`: {twice:,} of {len(table):,} steps have the time of another step of their series in the "
                f"column {columns.time!r}: the order of their rows holds",
            ]
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
    gathered = GatheredSeries(rows, table.source, [f"{table.source}, series {key}" for key in members])
    gathered.channels, gathered.notes = tuple(channels), [*table.notes, *notes]
    gathered.left_out = table.left_out
    return gathered


def _open(
    data: str, arguments: DataArguments, columns: SeriesColumns, series_column: str, label_column: str
) -> dict[str, Table]:
    files = archive_files(Path(data))
    if files:
        _refuse_channels_first(columns, data)
        return {part: archive_table(path, label_column) for part, path in files.items()}
    source = replace(arguments, data=data, validation_data=None, test_data=None)
    tables: dict[str, Table] = {}
    decimal = arguments.decimal
    for part, table in sorted(
        open_tables(source, SERIES_SUFFIXES).items(), key=lambda each: each[0] != "train"
    ):
        assert not isinstance(table, StreamTable)
        if decimal == "auto":
            notation = notation_of(_number_texts(table, columns))
            decimal, table.notes = notation.decimal, [*table.notes, *filter(None, [notation.note])]
        table.decimal = decimal
        if is_long(table, series_column):
            _refuse_channels_first(columns, data)
            gathered = gather_series(table, columns, series_column, label_column)
            # The parts have the channels of the training part, and its steps, by their names.
            columns = replace(columns, channels=gathered.channels)
            tables[part] = gathered
        else:
            is_known = VALUES_COLUMN in table.columns or any(
                looks_like_series(cell)
                for name in columns.others
                if name in table.columns
                for cell in table.column(name)[:1]
            )
            wide = None if is_known else wide_table(table, VALUES_COLUMN, label_column, columns.steps)
            tables[part] = table if wide is None else wide
            if wide is not None:
                columns = replace(columns, steps=wide.steps)
        tables[part].decimal = decimal
    return tables


def _number_texts(table: Table, columns: SeriesColumns) -> list[SomeCells]:
    """What is read as numbers of a table of steps, and of files that it names, where these are texts."""
    found: list[SomeCells] = []
    for each in cells_with_texts(table, table.columns):
        if any(map(looks_like_series, each.cells)):
            found += texts_of_files(each.cells, table, columns)
        elif columns.takes(each.name):
            found.append(each)
    return found


def _refuse_channels_first(columns: SeriesColumns, data: str) -> None:
    if columns.channels_first:
        raise DataError(
            f"`channels_first` is for arrays (.npy files, lists), received `data` {data!r}, whose form says what a step is"
        )


def _one_label(table: Table, labels: Sequence[Any], indices: Sequence[int], column: str) -> Any:
    first = labels[indices[0]]
    for index in indices:
        if labels[index] != first:
            raise DataError(
                f"`{table.name(index)}` has {labels[index]!r} in the column {column!r}, although its series began with "
                f"{first!r}"
            )
    return first
