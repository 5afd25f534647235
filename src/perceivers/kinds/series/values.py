"""Missing values and the scale of series, as plain functions of arrays [num_steps, num_channels]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def fill_missing(series: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Draw a line over missing values (NaN) between the values around them; the ends go on as the nearest value.

    Args:
        series: float32 [num_steps, num_channels].
        otherwise: [num_channels], for channels without any value.

    Returns:
        The same shape, without NaN; the series itself where none is missing.
    """
    missing = np.isnan(series)
    if not missing.any():
        return series
    filled, steps = series.copy(), np.arange(len(series))
    for channel in np.flatnonzero(missing.any(axis=0)):
        known = ~missing[:, channel]
        filled[:, channel] = (
            np.interp(steps, steps[known], series[known, channel]) if known.any() else otherwise[channel]
        )
    return filled


def statistics(series: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel over all steps of all series, missing values (NaN) left out.

    Args:
        series: each [num_steps, num_channels].

    Returns:
        float64 [num_channels] each. Channels that never change have the deviation 1, those without any value the mean 0.
    """
    values = np.concatenate(series).astype(np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    variance = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count
    return mean, np.where(variance > 0.0, np.sqrt(variance), 1.0)
