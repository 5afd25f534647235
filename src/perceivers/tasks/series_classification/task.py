"""Series classification: steps of several channels, of any number, in; one class out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import Tables, find_files, open_table_file
from perceivers.data.splits import Splits
from perceivers.data.table_folders import is_table
from perceivers.data.tables import ListTable, Table
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.opening import (
    TS_SUFFIX,
    VALUES_COLUMN,
    gather_series,
    is_long,
    open_series,
    ts_table,
)
from perceivers.tasks.base import Parts
from perceivers.tasks.columns import Columns
from perceivers.tasks.one_column_task import OneColumnTask
from perceivers.tasks.series_classification.options import SeriesClassificationArguments


class SeriesClassification(OneColumnTask[SeriesClassificationArguments]):
    """Series of several channels and any length: `.ts` files, class folders, a table of files, one long table."""

    name: ClassVar[str] = "series-classification"
    arguments_class: ClassVar[type[Any]] = SeriesClassificationArguments
    kind_class: ClassVar[type[Kind]] = SeriesKind

    def names_of_input(self) -> tuple[str, ...]:
        """See OneColumnTask."""
        return VALUES_COLUMN, self.arguments.file_column

    def open(self, arguments: DataArguments) -> Tables:
        """See ColumnTask."""
        chosen = self.arguments
        tables = open_series(arguments, self._columns, chosen.series_column, chosen.label_column)
        for table in tables.values():
            self._require_series(table)
        return dict(tables)

    def choose(self, tables: Tables) -> Columns:
        """See ColumnTask; columns of the table are no channels of its files."""
        columns = super().choose(tables)
        (only,) = columns.inputs
        kind = replace(only.kind, not_channels=self._columns.others)  # type: ignore[call-arg]
        return replace(columns, inputs=(replace(only, kind=kind),))

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """See ColumnTask; the longest series of all parts must fit."""
        if self.arguments.max_length is None:
            (only,) = self.columns.inputs
            parts = (splits.train, splits.validation, splits.test)
            longest = max(len(part[index].values[0]) for part in parts for index in range(len(part)))
            kind = replace(only.kind, longest=longest)  # type: ignore[call-arg]
            self.columns = replace(self.columns, inputs=(replace(only, kind=kind),))
        return super().build(splits, start)

    def require_fitting(self, start: PerceiverConfig, columns: Columns) -> None:
        """See ColumnTask."""
        (only,) = columns.inputs
        own = dict((start.modalities or {}).get(only.name, {}))
        (wanted,) = columns.modalities().values()
        if own.get("in_channels") != wanted["in_channels"]:
            raise ConfigurationError(
                f"`start` must be a model of series with {wanted['in_channels']} channels, received {own or 'another model'}"
            )

    def files_of(self, given: str) -> list[str]:
        """The files of series in a folder."""
        return [str(path) for path in find_files([given], (*SERIES_SUFFIXES, TS_SUFFIX), "series")]

    def tables_of(self, given: str) -> Iterator[Table]:
        """An input as tables with a row a series: a long table or a table of files, else every file for itself."""
        chosen = self.arguments
        for path in find_files([given], (*SERIES_SUFFIXES, TS_SUFFIX), "series"):
            if path.suffix.lower() == TS_SUFFIX:
                yield ts_table(path)
                continue
            table = open_table_file(path) if is_table(path) else None
            if isinstance(table, Table) and is_long(table, chosen.series_column):
                yield gather_series(table, self._columns, chosen.series_column, None)
            elif isinstance(table, Table) and {VALUES_COLUMN, chosen.file_column} & set(table.columns):
                yield table
            else:
                yield ListTable([{chosen.file_column: str(path)}], str(path), [str(path)])

    @property
    def _columns(self) -> SeriesColumns:
        chosen = self.arguments
        others = (chosen.series_column, chosen.file_column, chosen.label_column)
        return SeriesColumns(chosen.channel_columns, chosen.time_column, others)

    def _require_series(self, table: Table) -> None:
        """Refuse a table that has neither steps nor files of series."""
        chosen = self.arguments
        if VALUES_COLUMN not in table.columns and chosen.file_column not in table.columns:
            raise DataError(
                f"`{table.source}` must have a column {chosen.series_column!r} that tells which series each row belongs to "
                f"(--series-column), or a column {chosen.file_column!r} with a file for each series (--file-column), "
                f"received {', '.join(table.columns)}"
            )
