"""What is told of a whole series: shares of patterns in its values and in their changes, and its outline, on one scale."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from perceivers.data.evenly import spread_indices
from perceivers.kinds.series.patterns import Floats, Patterns, settled_patterns
from perceivers.kinds.series.values import fill_missing, statistics

# Deviations are never taken for less: a share that differs in one series by one step says little.
LEAST_DEVIATION = 0.01
# Deviations from the mean at which features end.
FARTHEST = 5.0
# Bytes of features that are kept of series that come again.
MOST_KEPT = 256 * 2**20
# Training series that everything is settled on, at most.
MOST_SERIES = 4_096


@dataclass(frozen=True)
class SeriesFeatures:
    """Features of a normalised series in three groups, settled on training series.

    Args:
        of_values: patterns of the values.
        of_changes: patterns of the differences between steps, brought to deviation 1.
        change_scale: float32 [num_channels], deviation of the differences over the training series.
        outline_steps: values of each channel in the last group, evenly spread over the series.
        mean: float32 [num_features], over the training series.
        deviation: float32 [num_features], over the training series, and at least LEAST_DEVIATION.
    """

    of_values: Patterns
    of_changes: Patterns
    change_scale: Floats
    outline_steps: int
    mean: Floats
    deviation: Floats
    # Features of series that came before, by their content; they are not part of what was settled.
    _kept: dict[bytes, Floats] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def group_sizes(self) -> tuple[int, int, int]:
        """Features of the values' patterns, of the changes' patterns, and of the outline."""
        outline = self.outline_steps * self.of_values.num_channels
        return self.of_values.num_features, self.of_changes.num_features, outline

    def __call__(self, series: Floats, *, keep: bool = False) -> Floats:
        """Features of a series, float32 [num_features], with mean 0 and deviation 1 over the training series.

        Args:
            series: float32 [num_steps, num_channels], normalised; a line is drawn over missing values (NaN).
            keep: the series will come again: remember its features, as long as there is room.
        """
        if not keep:
            return self._scaled(
                raw_features(series, self.of_values, self.of_changes, self.change_scale, self.outline_steps)
            )
        key = hashlib.blake2b(np.ascontiguousarray(series).tobytes(), digest_size=16).digest()
        found = self._kept.get(key)
        if found is None:
            found = self(series)
            if (len(self._kept) + 1) * found.nbytes <= MOST_KEPT:
                self._kept[key] = found
        return found

    def state(self) -> dict[str, Any]:
        """What was settled, for a JSON file: exact, as letters (base64) of little-endian float32."""
        return {
            "num_channels": self.of_values.num_channels,
            "outline_steps": self.outline_steps,
            "dilations": [list(each.dilations) for each in (self.of_values, self.of_changes)],
            **{name: _as_letters(values) for name, values in self._arrays().items()},
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave."""
        channels, (of_values, of_changes) = int(state["num_channels"]), state["dilations"]
        return cls(
            Patterns.of_flat(of_values, _of_letters(state["value_thresholds"]), channels),
            Patterns.of_flat(of_changes, _of_letters(state["change_thresholds"]), channels),
            _of_letters(state["change_scale"]),
            int(state["outline_steps"]),
            _of_letters(state["mean"]),
            _of_letters(state["deviation"]),
        )

    def _arrays(self) -> dict[str, Floats]:
        return {
            "value_thresholds": self.of_values.thresholds,
            "change_thresholds": self.of_changes.thresholds,
            "change_scale": self.change_scale,
            "mean": self.mean,
            "deviation": self.deviation,
        }

    def _scaled(self, raw: Floats) -> Floats:
        return np.clip((raw - self.mean) / self.deviation, -FARTHEST, FARTHEST).astype(np.float32)


def settled_features(
    series: Sequence[Floats], *, num_dilations: int, num_thresholds: int, outline_steps: int
) -> SeriesFeatures:
    """Find the thresholds of patterns, and mean and deviation of all features.

    Args:
        series: normalised training series, each float32 [num_steps, num_channels]; at least one.
        num_dilations: see `settled_patterns`.
        num_thresholds: see `settled_patterns`; of the values and again of the changes.
        outline_steps: see SeriesFeatures.
    """
    filled = [without_gaps(series[index]) for index in spread_indices(len(series), MOST_SERIES)]
    changes = [differences(each) for each in filled]
    scale = statistics(changes)[1].astype(np.float32)
    of_values = settled_patterns(filled, num_dilations, num_thresholds)
    of_changes = settled_patterns([each / scale for each in changes], num_dilations, num_thresholds)
    number = of_values.num_features + of_changes.num_features + outline_steps * of_values.num_channels
    total, squares = np.zeros(number), np.zeros(number)
    for each in filled:
        raw = raw_features(each, of_values, of_changes, scale, outline_steps).astype(np.float64)
        total += raw
        squares += raw**2
    mean = total / len(filled)
    deviation = np.sqrt(np.maximum(squares / len(filled) - mean**2, LEAST_DEVIATION**2))
    return SeriesFeatures(
        of_values, of_changes, scale, outline_steps, mean.astype(np.float32), deviation.astype(np.float32)
    )


def raw_features(
    series: Floats, of_values: Patterns, of_changes: Patterns, change_scale: Floats, outline_steps: int
) -> Floats:
    """Features of a normalised series before they are brought to one scale, float32 [num_features]."""
    values = without_gaps(series)
    changes = differences(values) / change_scale
    return np.concatenate(
        [of_values.shares(values), of_changes.shares(changes), outline(values, outline_steps)]
    )


def without_gaps(series: Floats) -> Floats:
    """A normalised series with a line over missing values; a channel without any value is at its mean, 0."""
    return fill_missing(series, np.zeros(series.shape[1]))


def differences(series: Floats) -> Floats:
    """From each step to the next, [num_steps - 1, num_channels]; one step of zeros where there is only one step."""
    return np.diff(series, axis=0) if len(series) > 1 else np.zeros_like(series)


def outline(series: Floats, num_steps: int) -> Floats:
    """Values of each channel at evenly spread times, by lines between the steps, float32 [num_channels x num_steps]."""
    times, steps = np.linspace(0.0, len(series) - 1, num_steps), np.arange(len(series))
    lines = [np.interp(times, steps, series[:, channel]) for channel in range(series.shape[1])]
    return np.concatenate(lines).astype(np.float32)


def _as_letters(values: Floats) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _of_letters(letters: str) -> Floats:
    return np.frombuffer(base64.b64decode(letters), dtype="<f4").astype(np.float32)
