"""What tasks that answer with a class, or labels, have in common: where those are, how they are learned, the network."""

# No `from __future__ import annotations` here: the command line reads inherited fields in the subclass's module, which
# need not import what their annotations name.

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_choice, require_share
from perceivers.arguments.network import NetworkArguments


@dataclass(frozen=True, kw_only=True)
class LabelArguments(NetworkArguments):
    """Where classes or labels are, and how they are learned."""

    label_column: str = "label"
    """Column of a table that holds the class, or the labels."""
    answer: Literal["one-class", "several-labels"] = "one-class"
    """Whether each sample has exactly one class, or any number of labels."""
    label_separator: str = ","
    """What divides the labels of a sample in a table, with `several-labels`; lists need none."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes, in [0, 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("answer", self.answer, ("one-class", "several-labels"))
        length = len(self.label_separator)
        require("label_separator", length, length > 0, "one character or more")
        require_share(self, "label_smoothing")
