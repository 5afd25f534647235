"""Series: a column of them as the steps of each, as the patterns in it, or as both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.data.tables import StreamTable
from perceivers.errors import DataError
from perceivers.kinds.asked import Field, Media, Sent, stored
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, counted
from perceivers.kinds.cards import CardLayout
from perceivers.kinds.forms import Forms
from perceivers.kinds.series.augmentation import vary_series
from perceivers.kinds.series.channels import channels_of_cells
from perceivers.kinds.series.drawing import LAYOUT, draw_series, series_file, series_html
from perceivers.kinds.series.features import SeriesFeatures, settled_features
from perceivers.kinds.series.files import SERIES_SUFFIXES, SeriesColumns, texts_of_files
from perceivers.kinds.series.options import SeriesOptions
from perceivers.kinds.series.reading import looks_like_series, require_shape, require_values, series_of
from perceivers.kinds.series.sizing import LEFT_OUT, series_learning, series_options
from perceivers.kinds.series.tensors import SeriesScale, VariedSeries, series_input
from perceivers.kinds.series.values import fill_missing, statistics
from perceivers.rivals.simple import SimpleForm

if TYPE_CHECKING:
    from torch import Tensor

    from perceivers.data.some_cells import SomeCells

STEPS, PATTERNS = "steps", "patterns"
# Series that tell which columns are channels.
MOST_LOOKED_AT = 8
# Options that say how steps are told, and how patterns and outline are.
OF_STEPS = (
    "steps_per_patch",
    "patch_channels",
    "positions",
    "max_length",
    "num_fourier_bands",
    "time_resolution",
)
OF_PATTERNS = (
    "pattern_dilations",
    "pattern_thresholds",
    "outline_steps",
    "pattern_channels",
    "pattern_dropout",
    "pattern_learning_rate",
)


@dataclass(frozen=True)
class SeriesKind(Kind):
    """Series of several channels and any length. A value is float32 [num_steps, num_channels], NaN where one is missing.

    Args:
        num_channels: of every series; None before `survey`.
        longest: steps of the longest series that is known; None before `settle`.
        mean: of each channel over the training series.
        std: standard deviation of each.
        not_channels: columns of a file of steps that are no channels, beside the time.
        features: what is told of patterns and outline; None where steps alone are seen, and before `settle`.
        channel_names: columns that are channels, where the user named none; found in the first series.
        step_names: columns that are the steps, in order, of a table with a row a series.
        series_column: column that tells which series a step belongs to, where a table has a row a step; "": there is none.
        said: what the user should know of how series are read; found with them.
    """

    num_channels: int | None = None
    longest: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    not_channels: tuple[str, ...] = ()
    features: SeriesFeatures | None = None
    channel_names: tuple[str, ...] = ()
    step_names: tuple[str, ...] = ()
    series_column: str = ""
    said: tuple[str, ...] = ()

    name: ClassVar[str] = "series"
    options_class: ClassVar[type[Any]] = SeriesOptions
    suffixes: ClassVar[tuple[str, ...]] = SERIES_SUFFIXES
    usual_columns: ClassVar[tuple[str, ...]] = ("series", "signal")
    forms_of_input: ClassVar[Forms] = {
        "tokens": {"both": (*OF_STEPS, *OF_PATTERNS), PATTERNS: OF_PATTERNS, STEPS: OF_STEPS}
    }
    card: ClassVar[CardLayout | None] = LAYOUT
    simple_form: ClassVar[SimpleForm | None] = SimpleForm("series", "nearest series")
    settles_on: ClassVar[int | None] = None
    tells_learned: ClassVar[bool] = True

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        return 0.9 if sum(map(looks_like_series, cells)) >= MOSTLY * len(cells) else 0.0

    @classmethod
    def number_texts(cls, column: SomeCells, table: Any) -> Sequence[SomeCells]:
        """See Kind; the columns of a few files."""
        return texts_of_files(column.cells, table, SeriesColumns())

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> SeriesOptions:
        """See Kind; cells that cannot be read are reported with the other rows."""
        lengths, num_channels, missing = [], 1, False
        columns = SeriesColumns(
            tuple(chosen.get("channel_columns", ())),
            chosen.get("time_column"),
            channels_first=chosen.get("channels_first", False),
        )
        for cell in cells:
            try:
                series = series_of(cell, table, columns)
            except DataError:
                continue
            if series is not None:
                lengths.append(len(series))
                num_channels, missing = series.shape[1], missing or bool(np.isnan(series).any())
        return series_options(num_rows, lengths, num_channels, has_missing=missing, hides=hidden > 0.0)

    @classmethod
    def advise_alone(
        cls, cells: Sequence[Any], table: Any, num_rows: int, chosen: Mapping[str, Any] = NOTHING_CHOSEN
    ) -> SeriesOptions:
        """See Kind; patterns are hidden in part."""
        return cls.advise(cells, table, num_rows, LEFT_OUT, chosen)

    def learning(self, num_rows: int, num_classes: int | None = None) -> Advice:
        """See Kind."""
        return series_learning(num_rows, tokens=self.options.tokens, num_classes=num_classes)

    @property
    def is_linear(self) -> bool:
        """See Kind: patterns and outline are fixed features."""
        return bool(self.options.tokens == PATTERNS)

    @property
    def num_tokens(self) -> int | None:
        """Inputs of the network that a series is, at most; None before its steps are known."""
        chosen = self.options
        patterns = 0 if chosen.tokens == STEPS else 3
        if chosen.tokens == PATTERNS:
            return patterns
        longest = chosen.max_length or self.longest
        return None if longest is None else patterns + -(-longest // chosen.steps_per_patch)

    def described(self) -> str:
        """See Kind."""
        steps = "" if self.longest is None else f"up to {counted(self.longest, 'step')} of "
        seen = {
            STEPS: "",
            PATTERNS: ", by their patterns and outline",
            "both": ", and their patterns and outline",
        }
        said = f"{steps}{counted(self.num_channels or 1, 'channel')}{seen[self.options.tokens]}"
        return said + as_tokens(self.num_tokens)

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """See Kind."""
        chosen = self.options
        series = series_of(row.get(columns[0]), table, self.columns_of_files)
        # Where every value is missing, the series is.
        if series is None or np.isnan(series).all():
            return None
        require_shape(
            series, self.num_channels, chosen.max_length or (self._is_absolute and self.longest) or None
        )
        require_values(series, allow_missing=chosen.missing != "stop")
        return series

    def simplified(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """The series [num_steps, num_channels] without gaps."""
        value = self.read(row, columns, table)
        return None if value is None else fill_missing(value, np.zeros(value.shape[1], dtype=np.float32))

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """Take the channels of the first series that can be read; the others are reported with the rest of the rows."""
        found = self._with_channel_names(table, columns[0])
        rows = (
            table.rows(0) if isinstance(table, StreamTable) else (table[index] for index in range(len(table)))
        )
        for row in rows:
            try:
                series = found.read(row, columns, table)
            except DataError:
                continue
            if series is not None:
                return replace(found, num_channels=series.shape[1])
        return found

    def notes(self) -> list[str]:
        """See Kind."""
        return list(self.said)

    @property
    def columns_of_files(self) -> SeriesColumns:
        """Which columns of a file of steps, and which axis of an array, are channels."""
        chosen = self.options
        names = chosen.channel_columns or self.channel_names
        return SeriesColumns(
            names, chosen.time_column, self.not_channels, chosen.channels_first, series=self.series_column
        )

    def _with_channel_names(self, table: Any, column: str) -> Self:
        """Find the channels in the first files that can be read, and whether arrays look as if they had them first."""
        if isinstance(table, StreamTable):
            return self
        step = max(len(table) // MOST_LOOKED_AT, 1)
        cells = [table[index].get(column) for index in range(0, len(table), step)][:MOST_LOOKED_AT]
        try:
            names, said = channels_of_cells(cells, table, self.columns_of_files)
        except DataError:
            return self
        # Arrays of a long table have no names; those of its columns are known.
        return replace(self, channel_names=tuple(names) or self.channel_names, said=tuple(said))

    def settle(self, values: Sequence[np.ndarray], columns: Sequence[str]) -> Self:
        """Find mean and deviation of each channel, the longest series, and the thresholds and the scale of patterns."""
        mean, std = statistics(values)
        scaled = replace(
            self,
            num_channels=len(mean),
            longest=max(self.longest or 0, *map(len, values)),
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
        )
        if self.options.tokens == STEPS:
            return scaled
        features = settled_features(
            [scaled._scale(value) for value in values],
            num_dilations=self.options.pattern_dilations,
            num_thresholds=self.options.pattern_thresholds,
            outline_steps=self.options.outline_steps,
        )
        return replace(scaled, features=features)

    def vary(self, value: np.ndarray, generator: np.random.Generator) -> VariedSeries:
        """Crop, stretch and warp time; scale, leave out and jitter channels."""
        return vary_series(value, self.options, generator)

    def lesser(self, value: np.ndarray) -> list[np.ndarray]:
        """See Kind: the first half of the steps, where steps are seen."""
        return [] if self.options.tokens == PATTERNS else [value[: (len(value) + 1) // 2]]

    def arrays(self, values: Sequence[Any]) -> dict[str, ModalityInput]:
        """Normalised steps [batch, num_steps, num_channels], and which of them count [batch, num_steps].

        And, or instead, the features of patterns and outline [batch, num_features], and which samples have them [batch].
        """
        found = {}
        if self.options.tokens != PATTERNS:
            found[STEPS] = series_input(values, self._scale)
        if self.options.tokens != STEPS:
            found[PATTERNS] = self._features(values)
        return self._named(found)

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind; patterns and steps by name where both are seen."""
        found = {}
        if self.options.tokens != PATTERNS:
            found[STEPS] = self._steps_modality()
        if self.options.tokens != STEPS:
            found[PATTERNS] = self._patterns_modality()
        return self._named(found)

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {
            "num_channels": self.num_channels,
            "longest": self.longest,
            "mean": list(self.mean),
            "std": list(self.std),
            "not_channels": list(self.not_channels),
            **({} if self.features is None else {"features": self.features.state()}),
            "channel_names": list(self.channel_names),
            **({"step_names": list(self.step_names)} if self.step_names else {}),
            **({"series_column": self.series_column} if self.series_column else {}),
        }

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        values: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in state.items()
        }
        if "features" in values:
            values["features"] = SeriesFeatures.of_state(values["features"])
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

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        channels = counted(self.num_channels or 1, "channel")
        hint = f"a series of {channels}: {', '.join(self.suffixes)}"
        return tuple(Field(column, self.name, "file", hint, self.suffixes) for column in columns)

    def content(self, cell: Any, folder: Path) -> Any:
        """See AskedKind."""
        return (
            stored(cell, folder, self.suffixes) if isinstance(cell, Sent) else super().content(cell, folder)
        )

    def media(self, value: np.ndarray) -> Media:
        """Its channels as lines."""
        return Media("image/svg+xml", series_file(self._scale(value)))

    def _features(self, values: Sequence[VariedSeries | np.ndarray | None]) -> ModalityInput:
        """Features of each series, zeros where it is absent, and which series are there."""
        assert self.features is not None
        nothing = np.zeros(sum(self.features.group_sizes), dtype=np.float32)
        rows = [
            nothing if value is None else self.features(self._scale(value), keep=self._comes_again(value))
            for value in values
        ]
        there = np.array([value is not None for value in values])
        return ModalityInput(np.stack(rows), there)

    def _comes_again(self, value: VariedSeries | np.ndarray) -> bool:
        """Whether the same series comes in every pass: one that nothing changes."""
        return isinstance(value, np.ndarray) or not self.options.varies

    def _named(self, found: dict[str, Any]) -> dict[str, Any]:
        """The modalities by name; a single one has none."""
        return found if self.options.tokens == "both" else dict(zip([""], found.values(), strict=True))

    def _steps_modality(self) -> dict[str, Any]:
        chosen = self.options
        longest = chosen.max_length or self.longest or 1
        return {
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

    def _patterns_modality(self) -> dict[str, Any]:
        chosen = self.options
        return {
            "type": "feature_groups",
            "group_sizes": [] if self.features is None else list(self.features.group_sizes),
            "out_channels": chosen.pattern_channels,
            "dropout": chosen.pattern_dropout,
            "learning_rate_factor": chosen.pattern_learning_rate,
        }

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
