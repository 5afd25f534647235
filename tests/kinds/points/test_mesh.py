"""Surfaces: areas, triangles, and points that lie evenly on them."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.kinds.points.mesh import Mesh, sample_surface, triangulate

# A triangle of area 1/2 in the plane z = 0, and one of area 3/2 in the plane z = 5.
VERTICES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 5], [3, 0, 5], [0, 1, 5]])
MESH = Mesh(VERTICES, np.array([[0, 1, 2], [3, 4, 5]]))


def test_areas_are_those_of_the_triangles() -> None:
    assert MESH.areas().tolist() == [0.5, 1.5]


def test_points_lie_on_the_triangles_in_the_shares_of_their_areas() -> None:
    points = sample_surface(MESH, 4_000, np.random.default_rng(0))
    assert (points.shape, points.dtype) == ((4_000, 3), np.dtype(np.float32))
    on_small = points[:, 2] == 0.0
    assert np.all(on_small | np.isclose(points[:, 2], 5.0))
    assert on_small.mean() == pytest.approx(0.25, abs=0.02)
    x, y = points[on_small, 0], points[on_small, 1]
    assert min(x.min(), y.min()) >= 0.0
    assert (x + y).max() <= 1.0 + 1e-6
    # Evenly in the triangle: its middle is the mean, and the half of its height next to a corner holds a quarter.
    assert x.mean() == pytest.approx(1 / 3, abs=0.02)
    assert y.mean() == pytest.approx(1 / 3, abs=0.02)
    assert (y > 0.5).mean() == pytest.approx(0.25, abs=0.04)


def test_equal_generators_lay_equal_points() -> None:
    first, again = (sample_surface(MESH, 7, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, sample_surface(MESH, 7, np.random.default_rng(6)))


def test_faces_are_divided_into_triangles_about_their_first_corner() -> None:
    faces = [np.array([0, 1, 2]), np.array([4, 5, 6, 7]), np.array([1, 2, 3])]
    divided = {tuple(triangle) for triangle in triangulate(faces).tolist()}
    assert divided == {(0, 1, 2), (1, 2, 3), (4, 5, 6), (4, 6, 7)}
    assert triangulate([]).shape == (0, 3)
    with pytest.raises(DataError, match="a face must have three corners or more, received 2"):
        triangulate([np.array([0, 1])])


@pytest.mark.parametrize(
    ("vertices", "triangles", "reason"),
    [
        (VERTICES[:, :2], [[0, 1, 2]], r"three finite numbers each, received \[6, 2\]"),
        (VERTICES * np.nan, [[0, 1, 2]], "three finite numbers each"),
        (VERTICES, np.zeros((0, 3), int), "the surface has no face"),
        (VERTICES, [[0, 1, 6]], "names vertex 6, but vertices are numbered from 0 to 5"),
        (VERTICES, [[0, -1, 2]], "names vertex -1"),
        (VERTICES, [[0, 1, 1]], "the surface has no area"),
    ],
)
def test_an_impossible_surface_is_an_error(
    vertices: np.ndarray, triangles: list[list[int]], reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        Mesh(vertices, np.asarray(triangles))
