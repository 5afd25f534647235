"""Sets of points from rows, files and tables: points and surfaces as they are, pictures by their inked pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.data.opening import TABLE_FORMATS, find_files, open_table_file
from perceivers.data.rows import class_id, decode_row
from perceivers.data.tables import FILE_COLUMN, ListTable, StreamTable, Table, require_columns
from perceivers.kinds.image.reading import IMAGE_SUFFIXES, decode_image
from perceivers.kinds.points.augmentation import vary_points
from perceivers.kinds.points.mesh import Mesh
from perceivers.kinds.points.reading import (
    POINT_SUFFIXES,
    PointSample,
    decode_points,
    draw_points,
    points_of_picture,
    require_columns_of,
)
from perceivers.processors.image.reading import read_picture
from perceivers.tasks.point_classification.options import PointClassificationArguments

PICTURE_COLUMN = "image"
SUFFIXES = (*POINT_SUFFIXES, *IMAGE_SUFFIXES)


@dataclass(frozen=True)
class ShapeDecoder:
    """From a row to points or a surface.

    Args:
        column: column with the set, its file, or a picture.
        num_columns: numbers that each point must have; None admits any.
    """

    column: str
    num_columns: int | None = None

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> np.ndarray | Mesh:
        """Decode one row."""
        value = row[self.column]
        if self.column == PICTURE_COLUMN or is_picture_file(value):
            pixels = read_picture(decode_image(value, table.root), channels=1)[0]
            shape: np.ndarray | Mesh = points_of_picture(pixels.clamp(0, 255).byte().numpy())
        else:
            shape = decode_points(value, table.root)
        if self.num_columns is not None:
            require_columns_of(shape, self.num_columns)
        return shape


@dataclass(frozen=True)
class PointDecoder:
    """From a row to a labelled set.

    Args:
        shape_of: decodes the set.
        label_column: column with the class.
        class_names: names of the classes by id.
    """

    shape_of: ShapeDecoder
    label_column: str
    class_names: Sequence[str]

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> PointSample:
        """Decode one row."""
        label = class_id(row[self.label_column], self.class_names, self.label_column)
        return PointSample(self.shape_of(row, table), label)


def points_column(columns: Sequence[str], chosen: PointClassificationArguments) -> str:
    """The column with the sets: the one that the arguments name, that of the files of a folder, or that of pictures."""
    found = (name for name in (chosen.points_column, FILE_COLUMN, PICTURE_COLUMN) if name in columns)
    return next(found, chosen.points_column)


def is_picture_file(value: Any) -> bool:
    """Whether a row's value is the path of a picture."""
    return isinstance(value, str) and Path(value).suffix.lower() in IMAGE_SUFFIXES


def vary_sample(
    sample: PointSample,
    chosen: PointClassificationArguments,
    num_coordinates: int,
    generator: np.random.Generator,
) -> PointSample:
    """Draw the points of one set or surface, and change them as the arguments say."""
    points = draw_points(sample.shape, chosen.num_points, generator)
    points = vary_points(
        points,
        generator,
        num_coordinates=num_coordinates,
        drop=chosen.drop,
        rotation=chosen.rotation,
        rotation_axis=chosen.rotation_axis,
        scale=chosen.scale,
        point_scale=chosen.point_scale,
        jitter=chosen.jitter,
        shift=chosen.shift,
    )
    if chosen.normalization == "none":
        limit = chosen.coordinate_range
        points[:, :num_coordinates] = points[:, :num_coordinates].clip(-limit, limit)
    return replace(sample, shape=points)


def shapes_to_answer(
    inputs: Sequence[str], chosen: PointClassificationArguments, num_columns: int
) -> Iterator[tuple[str, np.ndarray | Mesh]]:
    """Name and set of files, of all files of folders, and of the rows of tables that have the column of sets.

    Raises:
        DataError: there is no such file, or it cannot be read; the message names it.
    """
    for given in inputs:
        table: Table | StreamTable | None = None
        if Path(given).suffix.lower() in TABLE_FORMATS and Path(given).is_file():
            table = _table_of_sets(Path(given), chosen)
        if table is None:
            paths = [str(path) for path in find_files([given], SUFFIXES, "set of points")]
            table = ListTable([{FILE_COLUMN: path} for path in paths], given, paths)
        assert isinstance(table, Table)
        column = points_column(table.columns, chosen)
        require_columns(table, column)
        decode = ShapeDecoder(column, num_columns)
        for index in range(len(table)):
            name = table.name(index)
            yield name, decode_row(decode, table, table[index], name)


def _table_of_sets(path: Path, chosen: PointClassificationArguments) -> Table | StreamTable | None:
    """The table of sets that a file is; None for one whose rows are points, which some of the same endings have too."""
    if path.suffix.lower() in POINT_SUFFIXES:
        with path.open(encoding="utf-8", errors="replace") as file:
            beginning = file.readline(10_000)
        names = {name.strip().strip('"') for name in beginning.split(",")}
        holds_sets = not names.isdisjoint((chosen.points_column, FILE_COLUMN, PICTURE_COLUMN))
        if path.suffix.lower() == ".json":
            holds_sets = "{" in beginning
        if not holds_sets:
            return None
    return open_table_file(path)
