"""From what a cell holds to a set of points: of any number, in no order, each with its own coordinates and further values."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.errors import DataError, one_line
from perceivers.kinds.image.array_pictures import as_array
from perceivers.kinds.image.reading import looks_like_picture, read_plain
from perceivers.kinds.points.files import as_rows, read_shape
from perceivers.kinds.points.mesh import Mesh, sample_surface, triangulate
from perceivers.kinds.points.names import NamedPoints, PointColumns

# Sets that are not being trained on are thinned, and meshes sampled, alike at every time.
FIXED_SEED = 0
# Of a number of a point: its square is far below the largest float32.
LARGEST = 1e18


@dataclass(frozen=True)
class PointSet:
    """One set on its way to the model.

    Args:
        shape: points [num_points, num_columns], coordinates first, or a surface to lay points on.
        usual_coordinates: leading numbers of a point that say where it is, where nobody says how many.
    """

    shape: np.ndarray | Mesh
    usual_coordinates: int = 3

    @property
    def num_columns(self) -> int:
        """Numbers of a point; those of a surface have three."""
        return 3 if isinstance(self.shape, Mesh) else self.shape.shape[1]


def read_set(cell: Any, root: Path | None = None, columns: PointColumns | None = None) -> PointSet:
    """What a cell holds: a set, its file, or a picture, whose inked pixels are the set.

    Args:
        cell: as `decode_points` or `perceivers.kinds.image.reading.read_plain` takes it.
        root: folder that relative paths belong to.
        columns: what named columns are; None: as the set's own names say.
    """
    if looks_like_picture(cell):
        pixels = np.asarray(read_plain(cell, root, channels=1))
        return PointSet(points_of_picture(pixels), usual_coordinates=2)
    shape = decode_points(cell, root)
    if isinstance(shape, NamedPoints):
        columns = PointColumns.of([shape]) if columns is None else columns
        shape = columns.ordered(shape)
    most = 3 if columns is None else len(columns.coordinates)
    return PointSet(shape, min(most, PointSet(shape).num_columns))


def centred(shape: np.ndarray | Mesh, num_coordinates: int) -> np.ndarray | Mesh:
    """The same with the middle of its bounding box at 0; centred in float64 and only then made float32.

    Surveyed places are far from 0: of a sphere of 1 m at 5,400,000 m, float32 would leave three different heights.

    Args:
        shape: points [num_points, num_columns], or a surface.
        num_coordinates: leading columns that are coordinates; the others stay.
    """
    if isinstance(shape, Mesh):
        return Mesh(shape.vertices - _middle(shape.vertices), shape.triangles)
    values = shape.astype(np.float64)
    values[:, :num_coordinates] -= _middle(values[:, :num_coordinates])
    return values.astype(np.float32)


def draw_points(
    shape: np.ndarray | Mesh, num_points: int, generator: np.random.Generator | None = None
) -> np.ndarray:
    """Bring a set or a surface to points.

    Args:
        shape: points [any number, num_columns], or a surface.
        num_points: laid on a surface, evenly by area; of a larger set so many are drawn, a smaller one stays whole.
        generator: source of chance; None draws the same points at every call.

    Returns:
        float32 [at most num_points, num_columns].
    """
    generator = np.random.default_rng(FIXED_SEED) if generator is None else generator
    if isinstance(shape, Mesh):
        return sample_surface(shape, num_points, generator)
    if len(shape) > num_points:
        shape = shape[np.sort(generator.choice(len(shape), num_points, replace=False))]
    return np.asarray(shape, dtype=np.float32)


def read_points(path: Path) -> np.ndarray | NamedPoints | Mesh:
    """Read one file, see `perceivers.kinds.points.files.read_shape`; a DataError names it.

    Returns:
        Points float64 [num_points, num_columns], with their names if the file has some, or a surface.
    """
    shape = read_shape(path)
    try:
        return (
            Mesh(require_points(shape[0]), triangulate(shape[1]))
            if isinstance(shape, tuple)
            else _required(shape)
        )
    except DataError as error:
        raise DataError(f"`{path}` cannot be read as points: {one_line(error)}") from error


def decode_points(value: Any, root: Path | None = None) -> np.ndarray | NamedPoints | Mesh:
    """Decode what a table holds for a set.

    Args:
        value: a path, relative to `root`; a list of points, which are lists or objects; the same as JSON text; an array, a
            tensor or a DataFrame; or what this gave.
        root: folder that relative paths belong to.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise DataError(f"points must be a JSON list, received {value[:40]!r}: {error}") from error
    value = as_array(value)
    if isinstance(value, NamedPoints):
        return value
    if isinstance(value, str) and value:
        return read_points(Path(value) if root is None else root / value)
    if isinstance(value, list | tuple | np.ndarray):
        return _required(as_rows(value))
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        # A DataFrame, whose columns have names.
        return _required(as_rows(value.to_dict("records")))
    raise DataError(f"points must be a path or a list of points, received {value!r:.80}")


def _required(points: np.ndarray | NamedPoints) -> np.ndarray | NamedPoints:
    if isinstance(points, NamedPoints):
        return replace(points, values=require_points(points.values))
    return require_points(points)


def require_points(values: np.ndarray) -> np.ndarray:
    """Give values as float64 [num_points, num_columns].

    Raises:
        DataError: they are empty, not two-dimensional, not finite, or too large for their squares to be.
    """
    if np.iscomplexobj(values):
        raise DataError("points must be real numbers, received complex ones: give their parts as columns")
    try:
        points = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"points must be numbers: {error}") from error
    if points.ndim != 2 or 0 in points.shape:
        raise DataError(
            f"points must have the shape [num_points, num_columns], received {list(points.shape)}"
        )
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
        raise DataError(f"points must be finite, received {points[row].tolist()} as point {row + 1}")
    if np.abs(points).max() > LARGEST:
        row = int(np.flatnonzero((np.abs(points) > LARGEST).any(axis=1))[0])
        raise DataError(
            f"points must be numbers of at most {LARGEST:g}, received {points[row].tolist()} as point {row + 1}: a number "
            "like this often marks a missing one; leave such points out, or scale all"
        )
    return points


def points_of_picture(pixels: np.ndarray) -> np.ndarray:
    """The inked pixels of a picture as a set: where each is, and how bright.

    Args:
        pixels: uint8 [height, width], grey, in [0, 255]; ink is what is not 0.

    Returns:
        float32 [number of such pixels, 3]: x to the right and y downwards, in [-1, 1] over the longer side, and the
        brightness in (0, 1].
    """
    rows, columns = np.nonzero(pixels)
    if not len(rows):
        raise DataError("the picture is black throughout, so that it has no points")
    height, width = pixels.shape
    longer = max(height, width)
    x, y = (2 * columns + 1 - width) / longer, (2 * rows + 1 - height) / longer
    return np.stack([x, y, pixels[rows, columns] / 255.0], axis=1).astype(np.float32)


def _middle(coordinates: np.ndarray) -> np.ndarray:
    middle: np.ndarray = (coordinates.min(axis=0) + coordinates.max(axis=0)) / 2.0
    return middle
