"""What a user may choose about series."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class SeriesOptions:
    """How series of several channels are read, told to the model, and changed while training."""

    time_column: str | None = None
    """Column that the steps of a series are sorted by; it is no channel. None leaves them in the order of the rows."""
    channel_columns: tuple[str, ...] = ()
    """Columns that are the channels, in order; none given: all columns that are not named otherwise here."""
    channels_first: bool = False
    """Arrays (.npy files, and lists in tables) are [num_channels, num_steps]. False: [num_steps, num_channels]."""
    missing: Literal["stop", "interpolate", "mark"] = "stop"
    """What is done about missing values (empty cells, NaN, ? in .ts files). `stop` names the first; `interpolate` draws a
    line between the values around them; `mark` tells the model where values are missing, by one more input a channel."""
    normalization: Literal["data", "series", "none"] = "data"
    """`data` brings each channel to mean 0 and standard deviation 1 over the training series; `series` over each series
    by itself; `none` leaves the values as they are."""

    tokens: Literal["steps", "patterns", "both"] = "steps"
    """What the model sees of a series. `steps`: its steps in patches, one after the other; `patterns`: how often short
    patterns occur in its values and in their changes, and its outline, a token each, which is what few series teach most
    from; `both` beside each other."""
    steps_per_patch: int = 1
    """Consecutive steps in an input of the model; larger ones suit long series."""
    patch_channels: int | None = 64
    """Channels that a learned linear map makes of each patch; None leaves its values as they are."""
    positions: Literal["relative", "absolute", "both"] = "relative"
    """What a step's place is told by: its share of the series' own length, its number, or both."""
    max_length: int | None = None
    """Steps of the longest series that can come, where `positions` are absolute or both; None: of the series that the run
    is trained on."""
    num_fourier_bands: int = 16
    """Frequencies of an axis of the positions."""
    time_resolution: int | None = None
    """Number of patches that the positions tell apart, twice their highest frequency; None: as many as the longest series
    has."""

    pattern_dilations: int = 16
    """Widths that patterns are looked for in, at most, spread from 9 steps to the whole series."""
    pattern_thresholds: int = 48
    """Thresholds of each of the 84 patterns, of all widths together; each is a number that the model is given, of the values
    and again of their changes."""
    outline_steps: int = 24
    """Values of each channel, evenly spread over the series, that are its outline."""
    pattern_channels: int = 64
    """Channels of the tokens of patterns and outline."""
    pattern_dropout: float = 0.5
    """While training, share of the numbers of patterns and outline that are left out, in [0, 1)."""
    pattern_learning_rate: float = 1.0
    """Learning rate of the maps that make tokens of them, as a factor of the run's."""

    jitter: float = 0.0
    """While training, noise of this standard deviation on the normalised values."""
    scaling: float = 0.0
    """While training, a factor around 1 with this standard deviation for each channel of normalised values."""
    channel_dropout: float = 0.0
    """While training, probability of each channel to be left out, in [0, 1)."""
    crop: float = 0.0
    """While training, keep a random stretch of the series: leave out up to this share, in [0, 1)."""
    time_warp: float = 0.0
    """While training, change the pace within the series by up to this share, in [0, 1)."""
    time_stretch: float = 0.0
    """While training, make the series longer or shorter by up to this share, in [0, 1)."""

    def __post_init__(self) -> None:
        require_choice("missing", self.missing, ("stop", "interpolate", "mark"))
        require_choice("normalization", self.normalization, ("data", "series", "none"))
        require_choice("positions", self.positions, ("relative", "absolute", "both"))
        require_choice("tokens", self.tokens, ("steps", "patterns", "both"))
        require_at_least(
            1, self, "steps_per_patch", "patch_channels", "max_length", "num_fourier_bands", "time_resolution"
        )
        require_at_least(
            1, self, "pattern_dilations", "pattern_thresholds", "outline_steps", "pattern_channels"
        )
        rate = self.pattern_learning_rate
        require("pattern_learning_rate", rate, rate > 0.0, "above 0")
        require_at_least(0, self, "jitter", "scaling")
        require_share(self, "channel_dropout", "crop", "time_warp", "time_stretch", "pattern_dropout")
        if self.positions == "relative" and self.max_length is not None:
            raise ConfigurationError(
                f"`max_length` has no effect where `positions` are relative, received {self.max_length}: leave it out, or "
                "take absolute or both"
            )

    @property
    def varies(self) -> bool:
        """Whether series are changed while training."""
        changes = (
            self.jitter, self.scaling, self.channel_dropout, self.crop, self.time_warp, self.time_stretch
        )  # fmt: skip
        return any(changes)
