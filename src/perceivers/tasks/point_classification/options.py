"""Columns, model and augmentation of `point-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.kinds.points.options import PointOptions


@left_open(PointOptions, NetworkArguments, "label_smoothing", but=("num_coordinates",))
@dataclass(frozen=True, kw_only=True)
class PointClassificationArguments(PointOptions, NetworkArguments):
    """Columns, model and augmentation of `point-classification`: a set of points in, a label out."""

    points_column: str = "points"
    """Column of a table with the sets: paths, or lists of points. Folders need none; pictures may stand in `image`."""
    label_column: str = "label"
    """Column of a table with the classes."""
    qk_channels: int | None = 64
    """Channels of queries and keys of all attention layers. None: those of the inputs in the cross-attention, those of the
    latents elsewhere, as in the papers."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes while training, in [0, 1)."""

    def __post_init__(self) -> None:
        NetworkArguments.__post_init__(self)
        PointOptions.__post_init__(self)
        require_share(self, "label_smoothing")
