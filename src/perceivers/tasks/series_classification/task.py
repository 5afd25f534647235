"""Series classification: steps of several channels, of any number, in; one class out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from perceivers.arguments import DataArguments
from perceivers.arguments.open import completed
from perceivers.configuration import PerceiverConfig
from perceivers.data.delimited import DelimitedFile
from perceivers.data.opening import Tables, find_files, open_table_file
from perceivers.data.splits import Splits
from perceivers.data.table_folders import TEXT_FORMATS, format_of, is_table
from perceivers.data.tables import ListTable, Table
from perceivers.data.words import listed
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.kinds.series.archives import (
    ARFF_SUFFIX,
    TS_SUFFIX,
    VALUES_COLUMN,
    archive_table,
    is_archive_form,
)
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.opening import gather_series, is_long, names_files, open_series
from perceivers.kinds.series.wide import FEWEST_STEPS, wide_table
from perceivers.tasks.base import Batch, Parts
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
        # Of a long table they are known; those of files are found when the first ones are looked at.
        table = tables["train"]
        kind = replace(
            only.kind,
            not_channels=self._columns.others,  # type: ignore[call-arg]
            channel_names=getattr(table, "channels", ()),
            step_names=getattr(table, "steps", ()),
            series_column=self.arguments.series_column if hasattr(table, "channels") else "",
        )
        return replace(columns, inputs=(replace(only, kind=kind),))

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """See ColumnTask; the longest series of all parts must fit."""
        self._require_mixable()
        if self.arguments.max_length is None:
            (only,) = self.columns.inputs
            parts = (splits.train, splits.validation, splits.test)
            longest = max(len(part[index].values[0]) for part in parts for index in range(len(part)))
            kind = replace(only.kind, longest=longest)  # type: ignore[call-arg]
            self.columns = replace(self.columns, inputs=(replace(only, kind=kind),))
        return super().build(splits, start)

    def augment(self, batch: Batch) -> Batch:
        """Average patterns in pairs, where that is wanted; labels are then shares [batch, num_classes]."""
        return self.averaged_in_pairs(super().augment(batch), self.arguments.mixup)

    def require_fitting(self, start: PerceiverConfig, columns: Columns) -> None:
        """See ColumnTask."""
        (only,) = columns.inputs
        wanted, own = columns.modalities(), start.modalities or {}
        if set(own) != set(wanted) or any(
            own[name].get(key) != wanted[name].get(key)
            for name in wanted
            for key in ("type", "in_channels", "group_sizes")
        ):
            channels = only.kind.num_channels  # type: ignore[attr-defined]
            raise ConfigurationError(
                f"`start` must be a model of series with {channels} channels and the same `tokens`, received "
                f"{dict(own) or 'another model'}"
            )

    def files_of(self, given: str) -> list[str]:
        """The files of series in a folder."""
        return [str(path) for path in find_files([given], (*SERIES_SUFFIXES, TS_SUFFIX), "series")]

    def tables_of(self, given: str) -> Iterator[Table]:
        """An input as tables with a row a series: a long table or a table of files, else every file for itself."""
        for path in find_files([given], (*SERIES_SUFFIXES, TS_SUFFIX, ARFF_SUFFIX), "series"):
            if is_archive_form(path, by_name=True):
                yield archive_table(path, self.arguments.label_column)
                continue
            table = self._table_in(path)
            if table is not None:
                yield table
            else:
                only = ListTable([{self.arguments.file_column: str(path)}], str(path), [str(path)])
                only.decimal = self.decimal
                yield only

    def holds_rows(self, path: Path) -> bool:
        """See ColumnTask; others are series themselves."""
        return is_archive_form(path, by_name=True) or self._table_in(path) is not None

    def gathered(self, table: Table) -> Table:
        """See ColumnTask; a row a series, of a table with a row a step or a column a step."""
        chosen = self.arguments
        if is_long(table, chosen.series_column) and not names_files(table, chosen.series_column):
            return gather_series(table, self._columns, chosen.series_column, None)
        if {VALUES_COLUMN, chosen.file_column} & set(table.columns):
            return table
        return wide_table(table, VALUES_COLUMN, chosen.label_column, self._columns.steps) or table

    def _table_in(self, path: Path) -> Table | None:
        """The table with a row a series that a file of names and rows is; None where it is a series of its own."""
        table = open_table_file(path) if path.is_file() and self._has_names(path) else None
        if not isinstance(table, Table):
            return None
        table.decimal = self.decimal
        found = self.gathered(table.without_torn())
        if found.columns != table.columns:
            return found
        return table if {VALUES_COLUMN, self.arguments.file_column} & set(table.columns) else None

    @property
    def _columns(self) -> SeriesColumns:
        chosen = self.arguments
        others = (chosen.series_column, chosen.file_column, chosen.label_column)
        # Those of a trained model are found again by their names.
        known = [each.kind for each in self.columns.inputs if isinstance(each.kind, SeriesKind)]
        channels = chosen.channel_columns or (known[0].channel_names if known else ())
        steps = known[0].step_names if known else ()
        return SeriesColumns(channels, chosen.time_column, others, chosen.channels_first, steps)

    def _has_names(self, path: Path) -> bool:
        """Whether a file is a table with a line of names; a series of its own may have none."""
        return is_table(path) and (
            format_of(path) not in TEXT_FORMATS or DelimitedFile.look_at(path, needs_names=False).has_names
        )

    def _require_mixable(self) -> None:
        chosen = completed(self.arguments)
        if chosen.mixup and chosen.tokens != "patterns":
            raise ConfigurationError(
                f"`mixup` must be 0 where `tokens` are {chosen.tokens}, received {chosen.mixup}: patterns alone "
                "can be averaged"
            )

    def _require_series(self, table: Table) -> None:
        """Refuse a table that has neither steps nor files of series."""
        chosen = self.arguments
        if VALUES_COLUMN not in table.columns and chosen.file_column not in table.columns:
            raise DataError(
                f"`{table.source}` must have a column {chosen.series_column!r} that tells which series each row belongs to "
                f"(--series-column), or a column {chosen.file_column!r} with a file for each series (--file-column), "
                f"received {listed(table.columns)}; or be a table with a row a series: a column {chosen.label_column!r} "
                f"(--label-column) and {FEWEST_STEPS} columns of numbers or more; or a .ts, .arff or UCR file"
            )
