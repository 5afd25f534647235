"""Series to the model's input: missing values, scale, one length a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.series.values import fill_missing, statistics


@dataclass(frozen=True)
class VariedSeries:
    """A series that was changed for training.

    Args:
        values: float32 [num_steps, num_channels], in the units of the data; NaN where a value is missing.
        gains: float32 [num_channels], factors of the normalised values; None: all 1.
        noise: float32 [num_steps, num_channels], added to the normalised values; None: nothing.
    """

    values: np.ndarray
    gains: np.ndarray | None = None
    noise: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class SeriesScale:
    """What brings series to the model's scale.

    Args:
        mean: of each channel over the training series; it is taken off where `normalization` is "data", and stands for
            channels without any value.
        std: standard deviation of each channel over the training series.
        normalization: "data", "series" (each by its own mean and deviation) or "none".
        missing: "interpolate" fills missing values; otherwise they stay NaN.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalization: str
    missing: str

    def __call__(self, series: VariedSeries | np.ndarray) -> np.ndarray:
        """Normalised values of one series, float32 [num_steps, num_channels], with its gains and noise."""
        given = VariedSeries(series) if isinstance(series, np.ndarray) else series
        values = given.values
        if self.missing == "interpolate":
            values = fill_missing(values, np.array(self.mean))
        if self.normalization != "none":
            own = self.normalization == "series"
            mean, std = statistics([values]) if own else (np.array(self.mean), np.array(self.std))
            values = (values - mean) / std
        if given.gains is not None:
            values = values * given.gains
        if given.noise is not None:
            # A channel that is left out stays silent.
            values = values + (given.noise if given.gains is None else given.noise * (given.gains != 0.0))
        return values.astype(np.float32)


def series_input(series: Sequence[VariedSeries | np.ndarray | None], scale: SeriesScale) -> ModalityInput:
    """Normalised series as a batch.

    Args:
        series: at least one; None where one is absent.
        scale: see SeriesScale.

    Returns:
        Values float32 [batch, num_steps, num_channels], shorter ones filled up with zeros, and a mask bool [batch,
        num_steps], True where the series has a step; an absent one has none.
    """
    nothing = np.zeros((0, len(scale.mean)), dtype=np.float32)
    rows = [nothing if each is None else scale(each) for each in series]
    lengths = np.array([len(row) for row in rows])
    # Where all are absent: one step that does not count.
    values = np.zeros((len(rows), max(1, *lengths), len(scale.mean)), dtype=np.float32)
    for index, row in enumerate(rows):
        values[index, : len(row)] = row
    return ModalityInput(values, np.arange(values.shape[1])[None] < lengths[:, None])
