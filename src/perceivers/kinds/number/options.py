"""What a user may choose about numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share


@dataclass(frozen=True, kw_only=True)
class NumberOptions:
    """How numbers are told to the model."""

    number_encoding: Literal["piecewise", "periodic", "combined"] = "combined"
    """What the model sees of a number: `piecewise`, how far it has passed through each of `number_bins` that hold as many
    training values; `periodic`, sines and cosines of learned frequencies; `combined`, both, and the number itself."""
    number_scale: Literal["ranks", "values"] = "ranks"
    """What numbers are brought to before: `ranks`, normal numbers of the same rank among the training numbers, whatever these
    were; `values`, standard deviations from their mean, so that sums and differences of columns stay what they are."""
    number_bins: int = 48
    """Bins of a column, with `piecewise`; a column of few different values has fewer."""
    number_frequencies: int = 16
    """Frequencies of a column, not with `piecewise`."""
    number_sigma: float = 0.3
    """Standard deviation of the first frequencies, in periods for each standard deviation of the numbers; not with
    `piecewise`."""
    number_hidden: float = 0.0
    """While training, the share in [0, 1) of numbers that are hidden: the model then learns to do without."""

    def __post_init__(self) -> None:
        require_choice("number_encoding", self.number_encoding, ("piecewise", "periodic", "combined"))
        require_choice("number_scale", self.number_scale, ("ranks", "values"))
        require_at_least(1, self, "number_bins", "number_frequencies")
        require("number_sigma", self.number_sigma, self.number_sigma > 0.0, "above 0")
        require_share(self, "number_hidden")
