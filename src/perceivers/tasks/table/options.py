"""Columns, answers and model of `table`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perceivers.arguments.advice import Advice
from perceivers.arguments.base import require, require_at_least, require_choice, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import completed, filled, given, left_open
from perceivers.errors import ConfigurationError
from perceivers.tasks.sizing import fitted
from perceivers.tasks.table.sizing import TableSizes


@left_open(
    NetworkArguments, "token_channels", "hidden", "token_rate", "linear_start", "by_value", "label_smoothing"
)
@dataclass(frozen=True, kw_only=True)
class TableArguments(NetworkArguments):
    """Columns, answers and model of `table`: any columns in; classes, labels, numbers and selected entities out."""

    target: tuple[str, ...] = ()
    """Column that is to be answered, one or more: NAME, or NAME:class, NAME:labels, NAME:number where the guess is wrong;
    NAME:entity, NAME:entities where it holds places, from 0, in a set of entities (NAME:entity=COLUMN says in which)."""
    column: tuple[str, ...] = ()
    """NAME=KIND: what a column holds, where the guess is wrong. `perceivers inspect` prints the guesses and the kinds."""
    column_options: tuple[str, ...] = ()
    """NAME:OPTION=VALUE: an option of the kind of a column, as docs/kinds has them, such as photo:white-level=4095; several
    values are divided by commas. Columns that are read together (numbers, categories) have their options together."""
    ignore: tuple[str, ...] = ()
    """Columns that are not read."""
    by_value: tuple[str, ...] = ()
    """Columns of numbers of which each value says something of its own (numbers of shops, of patients): the model is told
    the value, too, like a category, beside the number. auto: what a test of the training rows finds; none: no column."""
    quantiles: tuple[float, ...] = ()
    """Shares in (0, 1) of which numbers are answered, ascending: 0.05 0.5 0.95 gives the median and an interval for 90 %
    of the numbers. None given: the mean."""
    balance: Literal["none", "classes"] = "none"
    """`classes` counts every class alike in the loss, however few rows it has."""
    label_separator: str = ","
    """What divides the labels of a cell, for targets with several labels; lists need none."""
    calibrate: bool = True
    """After training, find the temperature at which the probabilities of the validation rows are right, and keep it."""
    queries_per_answer: int = 8
    """Learned queries that are asked for each answer, each with a head of its own; their answers are averaged."""
    token_rate: float = 0.0
    """Above 0, add to what each query says a linear map of the mean of the columns' tokens, which learns at so many times the
    learning rate: what columns say by themselves, without latents. What the latents say then starts at zero."""
    linear_start: bool = False
    """Let tokens and map start as linear models of the training rows, one an answer, and learn on from there. Needs a
    `token_rate`, and columns of numbers, dates, categories and texts (as n-grams) alone; a run with `start` has its weights
    from there."""
    token_channels: int = 64
    """Size of the vector that a number or a category becomes."""
    hidden: float = 0.1
    """While training, the share in [0, 1) of numbers and categories that are hidden."""
    num_latents: int = 8
    """Vectors that all columns are gathered into."""
    num_layers: int = 1
    """Self-attention layers over the latents."""
    qk_channels: int | None = None
    """Channels of queries and keys of all attention layers; None: as many as the latents have."""
    widening_factor: int = 2
    """Hidden size of the perceptrons behind each attention, in multiples of the channels."""
    num_cross_heads: int = 4
    """Heads of the cross-attention from the latents to the columns."""
    mlp_dropout: float = 0.2
    """Share of the perceptrons' hidden channels left out while training, in [0, 1)."""
    initializer_range: float = 0.5
    """Standard deviation of the first latents, queries, categories and columns' vectors."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes while training, in [0, 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("balance", self.balance, ("none", "classes"))
        require_at_least(1, self, "token_channels", "queries_per_answer")
        require("initializer_range", self.initializer_range, self.initializer_range > 0.0, "above 0")
        require_share(self, "hidden", "label_smoothing")
        require("token_rate", self.token_rate, self.token_rate >= 0.0, "at least 0")
        if self.linear_start and not self.token_rate:
            raise ConfigurationError("`linear_start` needs a `token_rate` above 0, received 0")
        require(
            "label_separator", len(self.label_separator), bool(self.label_separator), "1 character or more"
        )
        for named in self.column:
            if "=" not in named:
                raise ConfigurationError(f"`column` must be NAME=KIND, received {named!r}")
        if any(not 0.0 < share < 1.0 for share in self.quantiles) or list(self.quantiles) != sorted(
            set(self.quantiles)
        ):
            raise ConfigurationError(
                f"`quantiles` must be ascending numbers between 0 and 1, received {self.quantiles}"
            )

    def config_values(self) -> dict[str, Any]:
        """See NetworkArguments."""
        return {
            **super().config_values(),
            # Columns of other kinds have other sizes, which heads need not divide.
            "qk_channels": self.qk_channels or self.latent_channels,
            "d_model": self.token_channels,
            "initializer_range": self.initializer_range,
        }

    def telling_by_value(self, columns: Sequence[str]) -> TableArguments:
        """These arguments with the columns of numbers that are told by their values, too, where that was left open."""
        return filled(self, {"by_value": tuple(columns)})

    def sized(self, sizes: TableSizes, alone: Advice | None = None) -> TableArguments:
        """These arguments with `sizes`, or else the usual values, in the place of what was left open.

        Args:
            sizes: for the columns of the table.
            alone: how the only input is learned by itself: its network goes before `sizes`.
        """
        usual = Advice(latent_channels=sizes.latent_channels, num_heads=4, num_cross_heads=4)
        heads = fitted(given(self), usual if alone is None else alone.over(usual))
        network = {} if alone is None else alone.values()
        fitting = {"num_heads": heads.num_heads, "num_cross_heads": heads.num_cross_heads}
        return completed(filled(self, {**dataclasses.asdict(sizes), **network, **fitting}))
