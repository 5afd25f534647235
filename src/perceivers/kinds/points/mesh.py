"""Surfaces of triangles, and points laid evenly on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perceivers.errors import DataError


@dataclass(frozen=True)
class Mesh:
    """A surface.

    Args:
        vertices: float [num_vertices, 3].
        triangles: indices of three vertices each, int [num_triangles, 3].
    """

    vertices: np.ndarray
    triangles: np.ndarray

    def __post_init__(self) -> None:
        """Raise DataError unless every triangle has vertices that are there, and the surface an area."""
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3 or not np.isfinite(self.vertices).all():
            raise DataError(
                f"vertices must be three finite numbers each, received {list(self.vertices.shape)} of them"
            )
        if not len(self.triangles):
            raise DataError("the surface has no face")
        lowest, highest = int(self.triangles.min()), int(self.triangles.max())
        if lowest < 0 or highest >= len(self.vertices):
            wrong = lowest if lowest < 0 else highest
            raise DataError(
                f"a face names vertex {wrong}, but vertices are numbered from 0 to {len(self.vertices) - 1}"
            )
        if not self.areas().sum() > 0.0:
            raise DataError("the surface has no area")

    def areas(self) -> np.ndarray:
        """Area of each triangle, [num_triangles]."""
        first, second, third = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        return np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2.0


def sample_surface(mesh: Mesh, num_points: int, generator: np.random.Generator) -> np.ndarray:
    """Lay points on a surface, evenly by area.

    A triangle is drawn by its area, a place in it by the square root rule (Osada et al. 2002, "Shape distributions",
    section 3.1): a = 1 - sqrt(u), b = sqrt(u) (1 - v), c = sqrt(u) v.

    Args:
        mesh: the surface.
        num_points: how many.
        generator: source of chance.

    Returns:
        float32 [num_points, 3].
    """
    areas = mesh.areas()
    chosen = mesh.triangles[generator.choice(len(areas), num_points, p=areas / areas.sum())]
    root, along = np.sqrt(generator.random(num_points)), generator.random(num_points)
    weights = np.stack([1.0 - root, root * (1.0 - along), root * along], axis=1)
    return np.einsum("nc,ncd->nd", weights, mesh.vertices[chosen]).astype(np.float32)


def triangulate(faces: list[np.ndarray]) -> np.ndarray:
    """Divide convex faces of three or more corners into triangles that share the first corner.

    Args:
        faces: indices of vertices, one array a face.

    Returns:
        int64 [num_triangles, 3].
    """
    triangles = []
    by_corners: dict[int, list[np.ndarray]] = {}
    for face in faces:
        if len(face) < 3:
            raise DataError(f"a face must have three corners or more, received {len(face)}")
        by_corners.setdefault(len(face), []).append(face)
    for corners, members in by_corners.items():
        stacked = np.stack(members).astype(np.int64)
        triangles += [stacked[:, [0, corner, corner + 1]] for corner in range(1, corners - 1)]
    return np.concatenate(triangles) if triangles else np.zeros((0, 3), np.int64)
