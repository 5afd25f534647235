"""Classification of point sets: any number of points, each with its own coordinates, in; one of several classes out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import Tables
from perceivers.data.rows import decode_row
from perceivers.data.tables import FILE_COLUMN, StreamTable, Table
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.kinds.points.files import begins_with_points
from perceivers.kinds.points.kind import PointsKind
from perceivers.tasks.columns import Columns
from perceivers.tasks.one_column_task import OneColumnTask
from perceivers.tasks.point_classification.options import PointClassificationArguments
from perceivers.tasks.row_reader import RowReader

PICTURE_COLUMN = "image"


class PointClassification(OneColumnTask[PointClassificationArguments]):
    """Sets of points, surfaces or pictures of any size, one folder a class, or a table of them."""

    name: ClassVar[str] = "point-classification"
    arguments_class: ClassVar[type[Any]] = PointClassificationArguments
    kind_class: ClassVar[type[Kind]] = PointsKind

    def names_of_input(self) -> tuple[str, ...]:
        """See OneColumnTask."""
        return self.arguments.points_column, FILE_COLUMN, PICTURE_COLUMN

    def choose(self, tables: Tables) -> Columns:
        """See ColumnTask; the first set that can be read says what all others must have, before they are looked through."""
        columns = super().choose(tables)
        (only,) = columns.inputs
        reader = RowReader(dataclasses.replace(columns, answers={}), needs_all=True)
        kind = only.kind.settle([_first_set(tables["train"], reader)], only.columns)
        return dataclasses.replace(columns, inputs=(dataclasses.replace(only, kind=kind),))

    def require_fitting(self, start: PerceiverConfig, columns: Columns) -> None:
        """Raise ConfigurationError for a checkpoint of other points."""
        (name, wanted), *_ = columns.modalities().items()
        own = dict((start.modalities or {}).get(name, {}))
        counts = (own.get("num_coordinates", 3), own.get("num_features", 0))
        if own.get("type") != "points" or counts != (wanted["num_coordinates"], wanted["num_features"]):
            raise ConfigurationError(
                f"`start` must be a model of points with {wanted['num_coordinates']} coordinates and "
                f"{wanted['num_features']} features, as `data` has, received one of {own or 'other inputs'}"
            )

    def is_table(self, path: Path) -> bool:
        """See ColumnTask; some files that may be tables are sets, with a point a row."""
        return super().is_table(path) and not begins_with_points(path, self.names_of_input())


def _first_set(table: Table | StreamTable, reader: RowReader) -> Any:
    """The first set of a table that can be read."""
    rows = table.rows(0) if isinstance(table, StreamTable) else (table[index] for index in range(len(table)))
    reason = "no row"
    for number, row in enumerate(rows):
        try:
            return decode_row(reader, table, row, table.name(number)).values[0]
        except DataError as error:
            reason = str(error)
    raise DataError(f"`{table.source}` holds no set that can be read: {reason}")
