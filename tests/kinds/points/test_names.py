"""Points with names: found in any order, told where they differ, without columns that only count; values by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.points.names import NamedPoints, PointColumns, named
from perceivers.kinds.points.options import PointOptions

ROWS = [[7, 3, 2, 1], [5, 6, 5, 4]]


def points(names: Sequence[str], rows: Sequence[Sequence[float]] = ROWS) -> NamedPoints:
    return named(np.array(rows, dtype=np.float64), names)


def test_coordinates_go_by_their_names_and_features_by_the_first_set() -> None:
    first = points(["intensity", "Z", "y", "x"])
    columns = PointColumns.of([first, points(["x", "y", "z", "intensity"])])
    assert (columns.coordinates, columns.features) == (("x", "y", "z"), ("intensity",))
    assert columns.ordered(first).tolist() == [[1, 2, 3, 7], [4, 5, 6, 5]]
    assert columns.ordered(points(["X", "Intensity", "z", "y"])).tolist() == [[7, 1, 2, 3], [5, 4, 5, 6]]
    assert columns.note() == "the coordinates of points are x, y, z; their features are intensity"
    plane = PointColumns.of([points(["red", "y", "x", "blue"])])
    assert (plane.coordinates, plane.features) == (("x", "y"), ("red", "blue"))


def test_without_two_of_x_y_z_the_first_columns_are_coordinates() -> None:
    columns = PointColumns.of([points(["east", "north", "up", "x"])])
    assert (columns.coordinates, columns.features) == (("east", "north", "up"), ("x",))


def test_columns_that_only_count_or_name_the_points_are_left_out_in_every_set() -> None:
    counted = points(["", "x", "y", "z"], [[0, 1, 2, 3], [1, 4, 5, 6]])
    columns = PointColumns.of(
        [counted, points(["", "x", "y", "z"], [[0, 1, 2, 3], [1, 4, 5, 6], [2, 7, 8, 9]])]
    )
    assert columns.note() == (
        "the coordinates of points are x, y, z; left out: unnamed: 0 (has no name and only counts the points)"
    )
    assert columns.ordered(counted).tolist() == [[1, 2, 3], [4, 5, 6]]
    ids = PointColumns.of([points(["id", "x", "y", "z"])])
    assert ids.left_out == {"id": "is different in every point, as an id is"}
    # One that the first sets do not have is no feature.
    assert PointColumns.of([points(["x", "y", "z"], [[1, 2, 3]])]).ordered(counted).tolist() == [
        [1, 2, 3],
        [4, 5, 6],
    ]
    with pytest.raises(DataError, match="points must have coordinates, received only id "):
        PointColumns.of([points(["id"], [[1], [2]])])


@pytest.mark.parametrize(
    "names", [["x", "y", "z", "red"], ["x", "y", "z", "intensity", "red"], ["x", "y", "z"]]
)
def test_a_set_of_other_columns_is_told_by_their_names(names: list[str]) -> None:
    columns = PointColumns.of([points(["x", "y", "z", "intensity"])])
    wanted = "points must have the columns x, y, z, intensity, as others of the data set have, received "
    with pytest.raises(DataError, match=wanted + ", ".join(names)):
        columns.ordered(points(names, [[0.5] * len(names)]))


def test_files_are_read_by_the_names_of_the_training_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",red,x,y\n0,0.5,2,3\n1,0.25,4,7\n")
    (tmp_path / "b.csv").write_text("y,x,red\n3,2,0.5\n7,4,0.25\n")
    (tmp_path / "c.xyz").write_text("2 3 0.5\n4 7 0.25\n")
    table = ListTable([{"cloud": "a.csv"}, {"cloud": "b.csv"}, {"cloud": "c.xyz"}], "clouds", root=tmp_path)
    kind = PointsKind(PointOptions(normalization="none", coordinate_range=9.0)).survey(table, ["cloud"])
    assert kind.notes() == [
        "the coordinates of points are x, y; their features are red; left out: unnamed: 0 (has no name and only counts the "
        "points)"
    ]
    again = PointsKind(kind.options).with_state(kind.state())
    assert again == kind
    values = [again.read(row, ["cloud"], table) for row in (table[0], table[1], table[2])]
    for value in values:
        assert value is not None
        assert (value.shape.tolist(), value.usual_coordinates) == ([[2, 3, 0.5], [4, 7, 0.25]], 2)  # type: ignore[union-attr]
    assert kind.kept() != PointsKind(kind.options).kept()
