"""Sets of points to the model's tensors; its settings lie beside the model as `preprocessor_config.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perceivers.errors import DataError
from perceivers.kinds.points.mesh import Mesh
from perceivers.kinds.points.normalization import normalize_points
from perceivers.kinds.points.reading import draw_points, require_columns_of

FILE = "preprocessor_config.json"


@dataclass(frozen=True)
class PointProcessor:
    """Draws, normalises and puts together sets.

    Args:
        num_coordinates: leading columns that are coordinates.
        num_features: further columns.
        num_points: laid on surfaces, and drawn from larger sets.
        normalization: "sphere", "box" or "none", see `perceivers.kinds.points.normalization`.
        coordinate_range: of coordinates that are not normalised.
    """

    num_coordinates: int
    num_features: int
    num_points: int
    normalization: str
    coordinate_range: float

    def __call__(self, shapes: Sequence[np.ndarray | Mesh]) -> tuple[Tensor, Tensor | None]:
        """Give points [batch, num_points, num_columns] and, where sets differ in size, a mask [batch, num_points].

        Args:
            shapes: sets [any number, num_columns], or surfaces; the same points are drawn at every call.
        """
        sets = [self.normalized(draw_points(shape, self.num_points)) for shape in shapes]
        counts = [len(points) for points in sets]
        batch = torch.zeros(len(sets), max(counts), self.num_columns)
        mask = torch.zeros(len(sets), max(counts), dtype=torch.bool)
        for row, points in enumerate(sets):
            batch[row, : len(points)] = torch.from_numpy(points)
            mask[row, : len(points)] = True
        return batch, None if min(counts) == max(counts) else mask

    @property
    def num_columns(self) -> int:
        """Numbers of a point."""
        return self.num_coordinates + self.num_features

    def normalized(self, points: np.ndarray) -> np.ndarray:
        """Points [num_points, num_columns] with their coordinates as the model takes them."""
        require_columns_of(points, self.num_columns)
        return normalize_points(points, self.num_coordinates, self.normalization, self.coordinate_range)

    def save_pretrained(self, folder: str | Path) -> list[str]:
        """Write the settings into `folder`; give the path written."""
        path = Path(folder) / FILE
        record = {"processor_class": type(self).__name__, **dataclasses.asdict(self)}
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return [str(path)]

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> PointProcessor:
        """Read the settings of a run."""
        path = Path(folder) / FILE
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{entry.name: saved[entry.name] for entry in dataclasses.fields(cls)})
        except (OSError, json.JSONDecodeError, KeyError) as error:
            raise DataError(f"`{path}` must hold the settings of a PointProcessor: {error!r}") from error
