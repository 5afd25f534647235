"""Points whose numbers have names: which are coordinates, which are features, and which only count the points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from perceivers.data.columns import why_index_of_groups
from perceivers.data.words import listed
from perceivers.errors import DataError

COORDINATES = ("x", "y", "z")
# What points are called in messages.
WHAT = ("point", "points")


@dataclass(frozen=True)
class NamedPoints:
    """Points as a file with names has them.

    Args:
        values: float64 [num_points, num_columns].
        names: of the columns, lower case, no two alike.
    """

    values: np.ndarray
    names: tuple[str, ...]

    def column(self, name: str) -> np.ndarray:
        """Values [num_points] of the column that is called so."""
        found: np.ndarray = self.values[:, self.names.index(name)]
        return found


@dataclass(frozen=True)
class PointColumns:
    """What the named columns of points are.

    Args:
        coordinates: columns that say where a point is, in order.
        features: the others that are read, in order.
        left_out: column that only counts or names the points -> why.
    """

    coordinates: tuple[str, ...]
    features: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, sets: Sequence[NamedPoints]) -> Self:
        """What the columns of some sets, at least one, are.

        Coordinates are x, y and z, wherever they stand, where there are two of them or more; else the first three columns.
        Features are in the order of the first set.
        """
        found = tuple(name for name in COORDINATES if name in sets[0].names)
        others = [name for name in sets[0].names if len(found) < 2 or name not in found]
        reasons = {name: _why_left_out(name, sets) for name in others}
        left_out = {name: why for name, why in reasons.items() if why is not None}
        kept = [name for name in others if name not in left_out]
        if not kept and len(found) < 2:
            raise DataError(f"points must have coordinates, received only {_with_reasons(left_out)}")
        if len(found) < 2:
            found, kept = tuple(kept[:3]), kept[3:]
        return cls(found, tuple(kept), left_out)

    def ordered(self, points: NamedPoints) -> np.ndarray:
        """Points [num_points, coordinates and features], each column where it is in all sets.

        Raises:
            DataError: a column is absent, or there is one that the others do not have.
        """
        wanted = (*self.coordinates, *self.features)
        absent = [name for name in wanted if name not in points.names]
        known = {*wanted, *self.left_out}
        more = [
            name
            for name in points.names
            if name not in known and (absent or _why_left_out(name, [points]) is None)
        ]
        if absent or more:
            raise DataError(
                f"points must have the columns {', '.join(wanted)}, as others of the data set have, received "
                f"{', '.join(points.names)}"
            )
        return np.stack([points.column(name) for name in wanted], axis=1)

    def note(self) -> str:
        """Which columns are what."""
        said = f"the coordinates of points are {', '.join(self.coordinates)}"
        if self.features:
            said += f"; their features are {listed(self.features)}"
        return f"{said}; left out: {_with_reasons(self.left_out)}" if self.left_out else said

    def state(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "coordinates": list(self.coordinates),
            "features": list(self.features),
            "left_out": dict(self.left_out),
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        return cls(tuple(state["coordinates"]), tuple(state["features"]), state["left_out"])


def named(values: np.ndarray, names: Sequence[str]) -> NamedPoints:
    """Points with names as they are written: `X` is x, and a column without a name is called as pandas does.

    Raises:
        DataError: two columns have one name.
    """
    written = [name.strip(" \t\"'/").lower() for name in names]
    found = [name or f"unnamed: {place}" for place, name in enumerate(written)]
    if again := [name for place, name in enumerate(found) if name in found[:place]]:
        raise DataError(f"points must have columns of different names, received {again[0]!r} twice")
    return NamedPoints(values, tuple(found))


def _why_left_out(name: str, sets: Sequence[NamedPoints]) -> str | None:
    groups = [each.column(name).tolist() for each in sets if name in each.names]
    return why_index_of_groups(name, groups, WHAT)


def _with_reasons(left_out: Mapping[str, str]) -> str:
    return listed([f"{name} ({why})" for name, why in left_out.items()])
