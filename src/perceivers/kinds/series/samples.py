"""Labelled series from the rows of a table, and what a training sample is changed into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perceivers.data.rows import class_id
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError
from perceivers.kinds.series.augmentation import crop, draw_gains, stretch_time, warp_time
from perceivers.kinds.series.files import SeriesColumns, as_series, read_series_file
from perceivers.kinds.series.opening import VALUES_COLUMN
from perceivers.tasks.series_classification.options import SeriesClassificationArguments

# Paces that are drawn over a series whose time is warped.
NUM_KNOTS = 4


@dataclass(frozen=True)
class SeriesSample:
    """One series with its class.

    Args:
        values: float32 [num_steps, num_channels], as the data have them; NaN where a value is missing.
        label: id of its class.
        gains: float32 [num_channels], factors of the normalised values; None: all 1.
        noise: float32 [num_steps, num_channels], added to the normalised values; None: nothing.
    """

    values: np.ndarray
    label: int
    gains: np.ndarray | None = None
    noise: np.ndarray | None = None


@dataclass(frozen=True)
class SeriesDecoder:
    """From a row to a labelled series.

    Args:
        label_column: column with the class.
        class_names: names of the classes by id.
        file_column: column with the series' file, for rows without the values themselves.
        columns: which columns of such a file count.
        allow_missing: take missing values; False refuses them.
        num_channels: channels that every series must have; None takes any number.
        max_length: most steps that a series may have; None takes any number.
    """

    label_column: str
    class_names: Sequence[str]
    file_column: str
    columns: SeriesColumns
    allow_missing: bool
    num_channels: int | None = None
    max_length: int | None = None

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> SeriesSample:
        """Decode one row."""
        label = class_id(row[self.label_column], self.class_names, self.label_column)
        return SeriesSample(self.values(row, table), label)

    def values(self, row: Mapping[str, Any], table: Any) -> np.ndarray:
        """Decode the series of a row alone."""
        if VALUES_COLUMN in row:
            series = as_series(row[VALUES_COLUMN])
        else:
            file = row[self.file_column]
            if not isinstance(file, str) or not file:
                raise DataError(f"the column {self.file_column!r} must name a file, received {file!r}")
            series = read_series_file(table.path(file), self.columns)
        self._check(series)
        return series

    def _check(self, series: np.ndarray) -> None:
        steps, channels = series.shape
        if self.num_channels is not None and channels != self.num_channels:
            raise DataError(f"a series must have {self.num_channels} channels, received {channels}")
        if self.max_length is not None and steps > self.max_length:
            raise DataError(
                f"a series must be at most {self.max_length} steps long (`max_length`), received {steps}: cut it, or train "
                "with a larger `max_length` or with relative positions"
            )
        for bad, what in ((np.isinf(series), "is infinite"), (np.isnan(series), "is missing")):
            if bad.any() and not (what == "is missing" and self.allow_missing):
                step, channel = np.argwhere(bad)[0]
                more = f" (and {int(bad.sum()) - 1} more values)" if bad.sum() > 1 else ""
                advice = "; take --missing interpolate or mark" if what == "is missing" else ""
                raise DataError(f"the value of step {step + 1}, channel {channel + 1} {what}{more}{advice}")


def vary_series(
    sample: SeriesSample, chosen: SeriesClassificationArguments, generator: np.random.Generator
) -> SeriesSample:
    """Change time at random, and draw factors and noise for the normalised values."""
    values = sample.values
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
    return replace(sample, values=values, gains=gains, noise=noise)
