"""Sets of points: one column of them is one modality."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeGuard

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.data.evenly import spread_indices
from perceivers.data.tables import StreamTable
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.asked import Extent, Field, Media, Sent, stored
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, counted, is_empty
from perceivers.kinds.cards import CardLayout
from perceivers.kinds.forms import Forms
from perceivers.kinds.image.reading import IMAGE_SUFFIXES, looks_like_picture
from perceivers.kinds.inline import png_of
from perceivers.kinds.points.augmentation import vary_points
from perceivers.kinds.points.drawing import LAYOUT, ShownPoints, draw_set, picture_of, set_html
from perceivers.kinds.points.files import POINT_SUFFIXES
from perceivers.kinds.points.grid import grid_of_counts
from perceivers.kinds.points.mesh import Mesh
from perceivers.kinds.points.names import NamedPoints, PointColumns
from perceivers.kinds.points.options import FORM_DEFAULTS, PointOptions
from perceivers.kinds.points.reading import PointSet, centred, decode_points, draw_points, read_set
from perceivers.kinds.points.sizing import MOST_POINTS, looks_of, points_learning, points_options
from perceivers.kinds.points.tensors import points_as_seen, points_modality, points_of_tokens, stack_sets
from perceivers.processors.image.opening import size_stored
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor

# What holds points and nothing else; the other endings of READERS hold series, tables and texts as well.
OWN_SUFFIXES = (".off", ".ply", ".obj", ".xyz", ".pts")
# Sets that are looked at before anything is chosen: each is a file, perhaps a large one.
LOOKED_AT = 64
# Sets that tell which of their columns are what.
NAMES_LOOKED_AT = 16
# Sets of three points or fewer whose points have so many numbers have their axes exchanged.
MOST_NUMBERS_OF_FEW = 32


@dataclass(frozen=True)
class PointsKind(Kind):
    """Sets of points, surfaces, or pictures by their inked pixels. A value is a PointSet.

    Args:
        num_coordinates: leading numbers of a point that say where it is; 0 before `settle`.
        num_features: further numbers of a point.
        named: what the columns are that have names; None where none have, and before `survey`.
    """

    num_coordinates: int = 0
    num_features: int = 0
    named: PointColumns | None = None

    name: ClassVar[str] = "points"
    options_class: ClassVar[type[Any]] = PointOptions
    suffixes: ClassVar[tuple[str, ...]] = (*POINT_SUFFIXES, *IMAGE_SUFFIXES)
    usual_columns: ClassVar[tuple[str, ...]] = ("points", "cloud", "point_cloud", "pointcloud", "mesh")
    forms_of_input: ClassVar[Forms] = {
        "input_form": {form: tuple(own) for form, own in FORM_DEFAULTS.items()}
    }
    card: ClassVar[CardLayout | None] = LAYOUT
    simple_form: ClassVar[SimpleForm | None] = SimpleForm("vector", "linear on a grid of counts")
    settles_on: ClassVar[int | None] = 16
    tells_learned: ClassVar[bool] = True

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind; what may be a series as well is points where its name says so."""
        endings = [PurePath(cell).suffix.lower() if isinstance(cell, str) else "" for cell in cells]
        wanted = MOSTLY * len(cells)
        if sum(ending in OWN_SUFFIXES for ending in endings) >= wanted:
            return 0.97
        is_called_so = name.lower() in cls.usual_columns
        if sum(map(_is_array, cells)) >= wanted:
            return 0.98 if is_called_so else 0.4
        if is_called_so and sum(map(_has_places, cells)) >= wanted:
            return 0.98
        return 0.98 if is_called_so and sum(ending in POINT_SUFFIXES for ending in endings) >= wanted else 0.0

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> PointOptions:
        """See Kind; cells that cannot be read are reported with the other rows."""
        sets: list[np.ndarray] = []
        for cell in cells[:: max(len(cells) // LOOKED_AT, 1)]:
            try:
                value = read_set(cell, table.root)
            except DataError:
                continue
            # Those of the first one, where nobody says how many; sets that differ are reported later.
            count = chosen.get("num_coordinates") or (sets[0].shape[1] if sets else value.usual_coordinates)
            if value.num_columns >= count:
                shape = centred(value.shape, count)
                sets.append(draw_points(shape, MOST_POINTS)[:, :count])
        return points_options(num_rows, looks_of(sets)) if sets else PointOptions()

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """See Kind."""
        return points_learning(num_rows, self.options, self.num_columns)

    @property
    def num_tokens(self) -> int:
        """See Kind."""
        return int(self.options.num_tokens)

    def described(self) -> str:
        """See Kind."""
        chosen = self.options
        features = f" and {counted(self.num_features, 'feature')}" if self.num_features else ""
        points = f"up to {counted(chosen.num_points, 'point')} of {counted(self.num_coordinates, 'coordinate')}{features}"
        if chosen.input_form == "single":
            return f"{points}, a token each"
        around = chosen.form_values()["num_neighbours"]
        return f"{points}, by the {around} nearest around each{as_tokens(self.num_tokens)}"

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> PointSet | None:
        """See Kind."""
        cell = row.get(columns[0])
        if is_empty(cell):
            return None
        value = read_set(cell, table.root, self.named)
        self._require_columns(value)
        if self.options.normalization == "none":
            return value
        coordinates = self.options.num_coordinates or value.usual_coordinates
        return dataclasses.replace(value, shape=centred(value.shape, coordinates))

    def kept(self) -> tuple[Any, ...] | None:
        """See Kind."""
        columns = None if self.named is None else (self.named.coordinates, self.named.features)
        return self.name, self.options.normalization == "none", self.options.num_coordinates, columns

    def pack(self, value: PointSet) -> Mapping[str, np.ndarray]:
        """See Kind."""
        usual = np.array([value.usual_coordinates])
        if isinstance(value.shape, Mesh):
            return {"vertices": value.shape.vertices, "triangles": value.shape.triangles, "usual": usual}
        return {"points": value.shape, "usual": usual}

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> PointSet:
        """See Kind."""
        is_mesh = "vertices" in arrays
        shape = Mesh(arrays["vertices"], arrays["triangles"]) if is_mesh else arrays["points"]
        value = PointSet(shape, int(arrays["usual"][0]))
        self._require_columns(value)
        return value

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """Find out what the columns of the first sets with names are."""
        sets = [
            named for cell in _first_cells(table, columns[0]) if (named := _named_points(cell, table.root))
        ]
        return dataclasses.replace(self, named=PointColumns.of(sets)) if sets else self

    def notes(self) -> list[str]:
        """See Kind."""
        return [] if self.named is None else [self.named.note()]

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """How many points lie in each cell of a coarse grid over the set, and the sums of their features, float32."""
        value = self.read(row, columns, table)
        if value is None:
            return None
        points = draw_points(value.shape, self.options.num_points)
        return grid_of_counts(points, self.num_coordinates or value.usual_coordinates)

    def settle(self, values: Sequence[PointSet], columns: Sequence[str]) -> Self:
        """Find out how many coordinates and features points have."""
        turned = [value.shape for value in values if _has_coordinates_first(value.shape)]
        if len(turned) == len(values):
            shape = list(turned[0].shape)
            raise DataError(
                f"points in the column {columns[0]!r} must have the shape [num_points, num_columns], received {shape} and "
                f"the like, {shape[0]} points of {shape[1]} numbers each: the coordinates come first there, so transpose "
                "the arrays"
            )
        counts = sorted({value.num_columns for value in values})
        if len(counts) > 1:
            raise DataError(
                f"points in the column {columns[0]!r} must have equally many numbers, received points of {counts[0]} and of "
                f"{counts[-1]}"
            )
        coordinates = self.options.num_coordinates or values[0].usual_coordinates
        if coordinates > counts[0]:
            raise ConfigurationError(
                f"`num_coordinates` must be at most the {counts[0]} numbers of a point in the column {columns[0]!r}, "
                f"received {coordinates}"
            )
        features = counts[0] - coordinates
        if self.options.feature_channels is not None and not features:
            raise ConfigurationError(
                f"`feature_channels` needs points with features, received points of {coordinates} coordinates alone"
            )
        return dataclasses.replace(self, num_coordinates=coordinates, num_features=features)

    @property
    def num_columns(self) -> int:
        """Numbers of a point."""
        return self.num_coordinates + self.num_features

    def vary(self, value: PointSet, generator: np.random.Generator) -> PointSet:
        """Draw the points anew, leave out, turn, scale, blur and shift them."""
        chosen = self.options
        points = vary_points(
            draw_points(value.shape, chosen.num_points, generator),
            generator,
            num_coordinates=self.num_coordinates,
            drop=chosen.drop,
            rotation=chosen.rotation,
            rotation_axis=chosen.rotation_axis,
            scale=chosen.scale,
            point_scale=chosen.point_scale,
            jitter=chosen.jitter,
            shift=chosen.shift,
        )
        if chosen.normalization == "none":
            limit, count = chosen.coordinate_range, self.num_coordinates
            points[:, :count] = points[:, :count].clip(-limit, limit)
        return dataclasses.replace(value, shape=points)

    def lesser(self, value: PointSet) -> list[PointSet]:
        """See Kind: half of the points."""
        points = draw_points(value.shape, self.options.num_points)
        return [dataclasses.replace(value, shape=points[: (len(points) + 1) // 2])]

    def arrays(self, values: Sequence[PointSet | None]) -> dict[str, ModalityInput]:
        """Points [batch, num_points, num_columns]."""
        sets = [None if value is None else self._seen(value) for value in values]
        return {"": stack_sets(sets, self.num_columns)}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        return {"": points_modality(self.options, self.num_coordinates, self.num_features)}

    def state(self) -> dict[str, Any]:
        """See Kind."""
        counts = {"num_coordinates": self.num_coordinates, "num_features": self.num_features}
        return counts if self.named is None else {**counts, "named": self.named.state()}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        named = PointColumns.of_state(state["named"]) if "named" in state else None
        return dataclasses.replace(self, **{**state, "named": named})

    def show(
        self, value: PointSet | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> ShownPoints | None:
        """The points as the model saw them, and the attention over them."""
        if value is None:
            return None
        points = self._seen(value)
        tokens = points_of_tokens(points, self.options, self.num_coordinates)
        weight = weights[""][: len(tokens)].numpy()
        if len(tokens) < len(points):
            weight = weight[nearest_of(points[:, : self.num_coordinates], tokens)]
        return ShownPoints(points, weight, self.num_coordinates)

    def draw(self, figure: Any, places: Sequence[Any], shown: ShownPoints | None, source: str) -> None:
        """See Kind."""
        draw_set(figure, places[0], shown, source)

    def html(self, shown: ShownPoints | None, columns: Sequence[str]) -> str:
        """See Kind."""
        return set_html(shown, columns[0])

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        hint = f"points ({', '.join(POINT_SUFFIXES)}), or a picture"
        return tuple(Field(column, self.name, "file", hint, self.suffixes) for column in columns)

    def content(self, cell: Any, folder: Path) -> Any:
        """See AskedKind; a list of points may be JSON text."""
        if isinstance(cell, Sent):
            is_picture = looks_like_picture(cell.content)
            return cell.content if is_picture else stored(cell, folder, POINT_SUFFIXES)
        if isinstance(cell, str) and cell.lstrip().startswith("["):
            return decode_points(cell)
        return super().content(cell, folder)

    def extent(self, content: bytes, most_seconds: float) -> Extent:
        """See AskedKind."""
        size = size_stored(content)
        return Extent() if size is None else Extent(pixels=math.prod(size))

    def media(self, value: PointSet) -> Media:
        """The points from the side."""
        points = self._seen(value)
        shown = ShownPoints(points, np.zeros(len(points)), self.num_coordinates)
        return Media("image/png", png_of(picture_of(shown)))

    def _require_columns(self, value: PointSet) -> None:
        if self.num_columns and value.num_columns != self.num_columns:
            raise DataError(
                f"points must have {self.num_columns} numbers each, received points of {value.num_columns}"
            )

    def _seen(self, value: PointSet) -> np.ndarray:
        return points_as_seen(value, self.options, self.num_coordinates)


def _first_cells(table: Any, column: str) -> list[Any]:
    """Some cells of a column: the first of a stream, otherwise evenly spread."""
    if isinstance(table, StreamTable):
        rows = table.first_rows(NAMES_LOOKED_AT)
    else:
        rows = [table[index] for index in spread_indices(len(table), NAMES_LOOKED_AT)]
    return [row.get(column) for row in rows]


def _has_places(cell: Any) -> bool:
    """Whether a cell is a list of objects, or the same as JSON, whose numbers are called x and y."""
    if not isinstance(cell, list | tuple) and not (isinstance(cell, str) and cell.lstrip().startswith("[")):
        return False
    points = _named_points(cell, None)
    return points is not None and {"x", "y"} <= set(points.names)


def _named_points(cell: Any, root: Path | None) -> NamedPoints | None:
    """The points of a cell that have names; None of all others, and of those that cannot be read, which are told later."""
    if is_empty(cell) or looks_like_picture(cell):
        return None
    try:
        points = decode_points(cell, root)
    except DataError:
        return None
    return points if isinstance(points, NamedPoints) else None


def nearest_of(places: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Which of some points is nearest to each: numbers [num_points] in 0 to num_tokens - 1.

    Args:
        places: [num_points, num_coordinates].
        tokens: indices of these points [num_tokens].
    """
    nearest: np.ndarray = np.linalg.norm(places[:, None] - places[tokens], axis=2).argmin(axis=1)
    return nearest


def _has_coordinates_first(shape: np.ndarray | Mesh) -> TypeGuard[np.ndarray]:
    """Whether a set has as many points as points have coordinates, and each of them very many numbers."""
    return not isinstance(shape, Mesh) and len(shape) in (2, 3) and shape.shape[1] >= MOST_NUMBERS_OF_FEW


def _is_array(cell: Any) -> bool:
    """Whether a cell holds rows of numbers: an array, a list of lists, the same as JSON, or the file of an array."""
    if isinstance(cell, np.ndarray):
        return cell.ndim == 2 and cell.dtype.kind in "iuf" and not looks_like_picture(cell)
    if isinstance(cell, str):
        return "".join(cell[:20].split()).startswith("[[") or cell.lower().endswith((".npy", ".npz"))
    first = cell[0] if isinstance(cell, list | tuple) and cell else None
    return isinstance(first, list | tuple | np.ndarray) and all(
        isinstance(entry, int | float | np.number) for entry in first
    )
