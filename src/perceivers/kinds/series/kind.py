"""Series: one column of them is one modality, its steps the tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor

from perceivers.data.tables import StreamTable
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY, Kind, ModalityInput, as_tokens, counted
from perceivers.kinds.cards import CardLayout
from perceivers.kinds.series.augmentation import vary_series
from perceivers.kinds.series.drawing import LAYOUT, draw_series, series_html
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns
from perceivers.kinds.series.options import SeriesOptions
from perceivers.kinds.series.reading import looks_like_series, require_shape, require_values, series_of
from perceivers.kinds.series.tensors import SeriesScale, VariedSeries, series_input
from perceivers.kinds.series.values import statistics


@dataclass(frozen=True)
class SeriesKind(Kind):
    """Series of several channels and any length. A value is float32 [num_steps, num_channels], NaN where one is missing.

    Args:
        num_channels: of every series; None before `survey`.
        longest: steps of the longest series that is known; None before `settle`.
        mean: of each channel over the training series.
        std: standard deviation of each.
        not_channels: columns of a file of steps that are no channels, beside the time.
    """

    num_channels: int | None = None
    longest: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    not_channels: tuple[str, ...] = ()

    name: ClassVar[str] = "series"
    options_class: ClassVar[type[Any]] = SeriesOptions
    suffixes: ClassVar[tuple[str, ...]] = SERIES_SUFFIXES
    usual_columns: ClassVar[tuple[str, ...]] = ("series", "signal")
    card: ClassVar[CardLayout | None] = LAYOUT
    settles_on: ClassVar[int | None] = None

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        return 0.9 if sum(map(looks_like_series, cells)) >= MOSTLY * len(cells) else 0.0

    @property
    def num_tokens(self) -> int | None:
        """See Kind; of the longest series."""
        longest = self.options.max_length or self.longest
        return None if longest is None else -(-longest // self.options.steps_per_patch)

    def described(self) -> str:
        """See Kind."""
        steps = "" if self.longest is None else f"up to {counted(self.longest, 'step')} of "
        return f"{steps}{counted(self.num_channels or 1, 'channel')}{as_tokens(self.num_tokens)}"

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """See Kind."""
        chosen = self.options
        which = SeriesColumns(chosen.channel_columns, chosen.time_column, self.not_channels)
        series = series_of(row.get(columns[0]), table, which)
        if series is not None:
            require_shape(
                series, self.num_channels, chosen.max_length or (self._is_absolute and self.longest) or None
            )
            require_values(series, allow_missing=chosen.missing != "stop")
        return series

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """Take the channels of the first series that can be read; the others are reported with the rest of the rows."""
        rows = (
            table.rows(0) if isinstance(table, StreamTable) else (table[index] for index in range(len(table)))
        )
        for row in rows:
            try:
                series = self.read(row, columns, table)
            except DataError:
                continue
            if series is not None:
                return replace(self, num_channels=series.shape[1])
        return self

    def settle(self, values: Sequence[np.ndarray], columns: Sequence[str]) -> Self:
        """Find mean and deviation of each channel, and the longest series."""
        mean, std = statistics(values)
        return replace(
            self,
            num_channels=len(mean),
            longest=max(self.longest or 0, *map(len, values)),
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
        )

    def vary(self, value: np.ndarray, generator: np.random.Generator) -> VariedSeries:
        """Crop, stretch and warp time; scale, leave out and jitter channels."""
        return vary_series(value, self.options, generator)

    def tensors(self, values: Sequence[Any]) -> dict[str, ModalityInput]:
        """Normalised steps [batch, num_steps, num_channels], and which of them count [batch, num_steps]."""
        return {"": series_input(values, self._scale)}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        chosen = self.options
        longest = chosen.max_length or self.longest or 1
        return {
            "": {
                "type": "series",
                "in_channels": self.num_channels,
                "steps_per_patch": chosen.steps_per_patch,
                "out_channels": chosen.patch_channels,
                "positions": chosen.positions,
                "max_length": longest if self._is_absolute else None,
                "num_bands": chosen.num_fourier_bands,
                "max_resolution": chosen.time_resolution or -(-longest // chosen.steps_per_patch),
                "allow_missing": chosen.missing == "mark",
            }
        }

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {
            "num_channels": self.num_channels,
            "longest": self.longest,
            "mean": list(self.mean),
            "std": list(self.std),
            "not_channels": list(self.not_channels),
        }

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        values: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in state.items()
        }
        return replace(self, **values)

    def show(
        self, value: np.ndarray | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> np.ndarray | None:
        """The normalised series [num_steps, num_channels]."""
        return None if value is None else self._scale(value)

    def draw(self, figure: Any, places: Sequence[Any], shown: np.ndarray | None, source: str) -> None:
        """See Kind."""
        draw_series(figure, places, shown, source)

    def html(self, shown: np.ndarray | None, columns: Sequence[str]) -> str:
        """See Kind."""
        return series_html(shown, columns[0])

    @property
    def _is_absolute(self) -> bool:
        return bool(self.options.positions != "relative")

    @property
    def _scale(self) -> SeriesScale:
        return SeriesScale(
            mean=self.mean,
            std=self.std,
            normalization=self.options.normalization,
            missing=self.options.missing,
        )
