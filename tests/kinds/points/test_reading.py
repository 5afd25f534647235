"""Sets of points from files, lists, surfaces and pictures, against ones worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.kinds.points.mesh import Mesh
from perceivers.kinds.points.reading import (
    PointSet,
    decode_points,
    draw_points,
    points_of_picture,
    read_points,
    read_set,
    require_points,
)

SQUARE = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 2, 3]]))


def test_a_file_of_points_and_one_of_a_surface_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 2 3\n4 5 6\n")
    points = read_points(tmp_path / "a.txt")
    assert isinstance(points, np.ndarray)
    assert (points.tolist(), points.dtype) == ([[1, 2, 3], [4, 5, 6]], np.dtype(np.float64))
    (tmp_path / "a.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    surface = read_points(tmp_path / "a.off")
    assert isinstance(surface, Mesh)
    assert surface.areas().tolist() == [0.5]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "a.off",
            "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 9\n",
            "names vertex 9, but vertices are numbered from 0 to 2",
        ),
        ("a.off", "OFF\n3 1 0\n0 0 0\n0 0 0\n0 0 0\n3 0 1 2\n", "the surface has no area"),
        ("a.txt", "1 2\n3 nan\n", r"points must be finite, received \[3.0, nan\] as point 2"),
        ("a.txt", "", "it holds no points"),
        ("a.json", "[]", r"points must have the shape \[num_points, num_columns\], received \[0\]"),
        ("a.json", "[[1, 2], [3]]", "points must have equally many numbers, received points of 1 and of 2"),
        ("a.json", '[["a", "b"]]', "points must be numbers"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=rf"{name}` cannot be read as points: .*{reason}"):
        read_points(tmp_path / name)


@pytest.mark.parametrize(
    "value",
    [[[1, 2], [3, 4]], "[[1, 2], [3, 4]]", " [[1,2],[3,4]]", np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))],
)
def test_lists_json_and_arrays_are_points(value: Any) -> None:
    assert np.asarray(decode_points(value)).tolist() == [[1, 2], [3, 4]]


def test_a_path_in_a_row_is_relative_to_the_table(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((5, 3)))
    assert np.asarray(decode_points("a.npy", tmp_path)).shape == (5, 3)


def test_what_holds_no_points_is_named() -> None:
    with pytest.raises(DataError, match="points must be a path or a list of points, received None"):
        decode_points(None)
    with pytest.raises(DataError, match=r"points must be a JSON list, received '\[\[1, 2\]': "):
        decode_points("[[1, 2]")
    with pytest.raises(DataError, match="received points of 0 and of 2"):
        decode_points([[1, 2], 3])
    with pytest.raises(DataError, match=r"\[num_points, num_columns\], received \[3\]"):
        require_points(np.zeros(3))
    with pytest.raises(
        DataError, match=r"at most 1e\+18, received \[3.0, 1e\+300\] as point 2: a number like this"
    ):
        decode_points([[1, 2], [3, 1e300]])
    with pytest.raises(DataError, match="must be real numbers"):
        require_points(np.ones((2, 3), dtype=complex))


def test_tensors_are_arrays_and_columns_of_frames_have_names() -> None:
    torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
    assert np.asarray(decode_points(torch.tensor([[1, 2], [3, 4]]))).tolist() == [[1, 2], [3, 4]]
    found = read_set(pandas.DataFrame({"z": [1, 2], "y": [3, 4], "x": [5, 6]})).shape
    assert np.asarray(found).tolist() == [[5, 3, 1], [6, 4, 2]]


def test_sets_up_to_the_number_stay_whole_and_larger_ones_are_thinned_in_order() -> None:
    points = np.arange(22.0).reshape(11, 2)
    assert draw_points(points, 11).tolist() == points.tolist()
    thinned = draw_points(points, 5, np.random.default_rng(1))
    assert thinned.shape == (5, 2)
    assert thinned.dtype == np.float32
    kept = (thinned[:, 0] / 2).astype(int)
    assert (np.diff(kept) > 0).all()
    assert thinned[:, 1].tolist() == (2 * kept + 1).tolist()
    # Without a generator the same ones each time, with one new ones.
    assert draw_points(points, 5).tolist() == draw_points(points, 5).tolist()
    generator = np.random.default_rng(0)
    draws = {tuple(draw_points(points, 5, generator)[:, 0]) for _ in range(20)}
    assert len(draws) > 10


def test_a_surface_gives_as_many_points_as_are_asked_for() -> None:
    points = draw_points(SQUARE, 13)
    assert points.shape == (13, 3)
    assert draw_points(SQUARE, 13).tolist() == points.tolist()


def test_columns_are_counted_of_sets_and_surfaces() -> None:
    assert PointSet(np.zeros((2, 5))).num_columns == 5
    assert PointSet(SQUARE).num_columns == 3


def test_a_cell_is_a_set_a_file_or_a_picture(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((4, 5)))
    wide = read_set("a.npy", tmp_path)
    assert (wide.num_columns, wide.usual_coordinates) == (5, 3)
    flat = read_set([[1.0, 2.0]])
    assert (flat.num_columns, flat.usual_coordinates) == (2, 2)
    picture = read_set(np.array([[0, 51], [0, 0]], np.uint8))
    assert picture.usual_coordinates == 2
    np.testing.assert_allclose(picture.shape, [[0.5, -0.5, 0.2]], rtol=1e-6)
    with pytest.raises(DataError, match="points must be a path or a list of points, received 7"):
        read_set(7)


def test_a_picture_is_the_set_of_its_inked_pixels() -> None:
    pixels = np.zeros((2, 4), np.uint8)
    pixels[0, 3], pixels[1, 0] = 255, 51
    # Four columns fill [-1, 1]: their middles are -0.75, -0.25, 0.25, 0.75; the rows, of the same size, are at -0.25, 0.25.
    np.testing.assert_allclose(points_of_picture(pixels), [[0.75, -0.25, 1.0], [-0.75, 0.25, 0.2]])


def test_a_picture_without_ink_is_an_error() -> None:
    with pytest.raises(DataError, match="the picture is black throughout"):
        points_of_picture(np.zeros((3, 3), np.uint8))


def test_json_files_hold_a_list(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([[0.5, 1], [2, 3]]))
    assert np.asarray(read_points(tmp_path / "a.json")).tolist() == [[0.5, 1], [2, 3]]
