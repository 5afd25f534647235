"""Columns, answers and model of `table`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class TableArguments(NetworkArguments):
    """Columns, answers and model of `table`: any columns in; classes, labels and numbers out."""

    target: tuple[str, ...] = ()
    """Column that is to be answered, one or more: NAME, or NAME:class, NAME:labels, NAME:number where the guess is wrong."""
    column: tuple[str, ...] = ()
    """NAME=KIND: what a column holds, where the guess is wrong. `perceivers inspect` prints the guesses and the kinds."""
    ignore: tuple[str, ...] = ()
    """Columns that are not read."""
    group_column: str | None = None
    """Column whose equal values stay in one part when the data are divided: the patient, the owner, the speaker. It is not
    read."""
    quantiles: tuple[float, ...] = ()
    """Shares in (0, 1) of which numbers are answered, ascending: 0.05 0.5 0.95 gives the median and an interval for 90 %
    of the numbers. None given: the mean."""
    balance: Literal["none", "classes"] = "none"
    """`classes` counts every class alike in the loss, however few rows it has."""
    label_separator: str = ","
    """What divides the labels of a cell, for targets with several labels; lists need none."""
    calibrate: bool = True
    """After training, find the temperature at which the probabilities of the validation rows are right, and keep it."""
    token_channels: int = 64
    """Size of the vector that a number or a category becomes."""
    queries_per_answer: int = 4
    """Learned queries that are asked for each answer, each with a head of its own; their answers are averaged."""
    hidden: float = 0.1
    """While training, the share in [0, 1) of numbers and categories that are hidden."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes while training, in [0, 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("balance", self.balance, ("none", "classes"))
        require_at_least(1, self, "token_channels", "queries_per_answer")
        require_share(self, "hidden", "label_smoothing")
        require(
            "label_separator", len(self.label_separator), bool(self.label_separator), "1 character or more"
        )
        for given in self.column:
            if "=" not in given:
                raise ConfigurationError(f"`column` must be NAME=KIND, received {given!r}")
        if any(not 0.0 < share < 1.0 for share in self.quantiles) or list(self.quantiles) != sorted(
            set(self.quantiles)
        ):
            raise ConfigurationError(
                f"`quantiles` must be ascending numbers between 0 and 1, received {self.quantiles}"
            )

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments."""
        return {**super().config_values(), "d_model": self.token_channels}
