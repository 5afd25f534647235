"""Which points of a clip are hidden when a model is measured or asked: the same of every clip, kept with an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perceivers.array_files import read_npz

PATTERN_FILE = "hidden.npz"
_SEPARATOR = "."


@dataclass(frozen=True)
class Pattern:
    """What one clip is shown.

    Args:
        visible: the model's arguments that say it, for one sample: `visible_slots` [kept], `visible_groups` [groups].
        hidden: input -> bool [points], True where the model is not shown the point.
        nearest: input -> of each point the visible one that lies nearest, whole numbers [points]; an empty array where none
            is visible.
    """

    visible: Mapping[str, np.ndarray]
    hidden: Mapping[str, np.ndarray]
    nearest: Mapping[str, np.ndarray]

    def nearest_values(self, name: str, values: np.ndarray) -> np.ndarray:
        """At every point the value of the visible one that lies nearest; the mean where none is.

        Args:
            name: of the input.
            values: [points, channels].
        """
        places = self.nearest[name]
        return values[places] if len(places) else np.broadcast_to(values.mean(axis=0), values.shape)

    def save(self, folder: Path) -> None:
        """Write it beside an exported model."""
        arrays = {
            f"{part}{_SEPARATOR}{name}": array
            for part in ("visible", "hidden", "nearest")
            for name, array in getattr(self, part).items()
        }
        np.savez_compressed(folder / PATTERN_FILE, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Pattern:
        """Read what `save` wrote."""
        parts: dict[str, dict[str, np.ndarray]] = {"visible": {}, "hidden": {}, "nearest": {}}
        for key, array in read_npz(folder / PATTERN_FILE).items():
            part, _, name = key.partition(_SEPARATOR)
            parts[part][name] = array
        return cls(**parts)
