"""Data, model and augmentation of `series-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require_at_least, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.kinds.series.options import SeriesOptions


@left_open(
    SeriesOptions,
    NetworkArguments,
    "label_smoothing",
    "mixup",
    # What files hold is asked before any of them is looked at.
    but=("time_column", "channel_columns", "channels_first"),
)
@dataclass(frozen=True, kw_only=True)
class SeriesClassificationArguments(SeriesOptions, NetworkArguments):
    """Data, model and augmentation of `series-classification`: series of several channels in, one class out."""

    series_column: str = "series"
    """Column that tells which series a row belongs to, in a table with a row a step; others have a row a series."""
    file_column: str = "file"
    """Column of a table with a row a series: the series' own file (.csv, .tsv or .npy), relative to the table. Folders need
    none."""
    label_column: str = "label"
    """Column that holds the class."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes, in [0, 1)."""
    mixup: float = 0.0
    """While training, patterns and targets of series are averaged in pairs, in shares drawn from Beta(mixup, mixup); 0
    averages none. Steps cannot be averaged: `tokens` must be patterns."""

    def __post_init__(self) -> None:
        NetworkArguments.__post_init__(self)
        SeriesOptions.__post_init__(self)
        require_share(self, "label_smoothing")
        require_at_least(0, self, "mixup")
