"""Random changes of a series that leave its class as it is: in time, and in its normalised values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perceivers.kinds.series.tensors import VariedSeries

if TYPE_CHECKING:
    from perceivers.kinds.series.options import SeriesOptions

# Paces that are drawn over a series whose time is warped.
NUM_KNOTS = 4


def vary_series(values: np.ndarray, chosen: SeriesOptions, generator: np.random.Generator) -> VariedSeries:
    """Change time at random, and draw factors and noise for the normalised values.

    Args:
        values: float32 [num_steps, num_channels].
        chosen: how much.
        generator: the only source of chance.
    """
    if chosen.crop:
        values = crop(values, generator.random(), 1.0 - chosen.crop * generator.random())
    if chosen.time_stretch:
        values = stretch_time(values, 1.0 + generator.uniform(-chosen.time_stretch, chosen.time_stretch))
    if chosen.time_warp:
        values = warp_time(values, 1.0 + generator.uniform(-chosen.time_warp, chosen.time_warp, NUM_KNOTS))
    gains = noise = None
    if chosen.scaling or chosen.channel_dropout:
        gains = draw_gains(generator, values.shape[1], scaling=chosen.scaling, dropout=chosen.channel_dropout)
    if chosen.jitter:
        noise = generator.standard_normal(values.shape, dtype=np.float32) * np.float32(chosen.jitter)
    return VariedSeries(values, gains, noise)


def crop(series: np.ndarray, start: float, share: float) -> np.ndarray:
    """A stretch of a series.

    Args:
        series: [num_steps, num_channels].
        start: where the stretch begins, in [0, 1]: 0 at the first step, 1 so that it ends with the last.
        share: length of the stretch as a share of the series, in (0, 1]; two steps at least where there are two.

    Returns:
        [kept, num_channels], a view.
    """
    steps = len(series)
    kept = min(max(round(share * steps), 2), steps)
    first = round(start * (steps - kept))
    return series[first : first + kept]


def warp_time(series: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """A series run through at changing pace, as long as before.

    Args:
        series: [num_steps, num_channels].
        knots: paces [num_knots], above 0, evenly spread over the series and joined by lines; only their ratios count.

    Returns:
        [num_steps, num_channels], linear between the steps; the ends stay where they are. Missing values (NaN) spread to
        the steps that are made of them.
    """
    steps = len(series)
    if steps < 3:
        return series
    middles = (np.arange(steps - 1) + 0.5) / (steps - 1)
    pace = np.interp(middles, np.linspace(0.0, 1.0, len(knots)), knots)
    times = np.concatenate([[0.0], np.cumsum(pace)])
    return at_times(series, times * ((steps - 1) / times[-1]))


def stretch_time(series: np.ndarray, factor: float) -> np.ndarray:
    """A series run through more slowly (`factor` above 1: more steps) or faster, linear between its steps.

    Args:
        series: [num_steps, num_channels].
        factor: length of the result relative to the series, above 0; two steps at least where there are two.
    """
    steps = len(series)
    if steps < 2:
        return series
    return at_times(series, np.linspace(0.0, steps - 1, max(round(factor * steps), 2)))


def at_times(series: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Values of a series between its steps, by a line through the two beside each time.

    Args:
        series: [num_steps, num_channels], two steps at least.
        times: [num_times] in steps, in [0, num_steps - 1].

    Returns:
        [num_times, num_channels], the dtype of `series`.
    """
    before = np.clip(np.floor(times).astype(np.int64), 0, len(series) - 2)
    weight = (times - before)[:, None]
    between = np.where(
        weight == 0.0, series[before], (1.0 - weight) * series[before] + weight * series[before + 1]
    )
    # A whole step takes nothing from its neighbour, which may be missing.
    between = np.where(weight == 1.0, series[before + 1], between)
    return between.astype(series.dtype, copy=False)


def draw_gains(
    generator: np.random.Generator, num_channels: int, *, scaling: float, dropout: float
) -> np.ndarray:
    """A factor for each channel: around 1, and 0 for channels that are left out; at least one channel is kept.

    Args:
        generator: what the factors are drawn from.
        num_channels: how many.
        scaling: standard deviation of the factors around 1.
        dropout: probability of each channel to be left out, in [0, 1).

    Returns:
        float32 [num_channels].
    """
    gains = 1.0 + scaling * generator.standard_normal(num_channels)
    kept = generator.random(num_channels) >= dropout
    if not kept.any():
        kept[generator.integers(num_channels)] = True
    return (gains * kept).astype(np.float32)
