"""What a user may choose about dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require_choice
from perceivers.kinds.number.options import NumberOptions


@dataclass(frozen=True, kw_only=True)
class DateOptions(NumberOptions):
    """How dates are read and told to the model."""

    day_order: Literal["auto", "month-first", "day-first"] = "auto"
    """How 3/4/2024 is meant in columns whose other cells do not tell: `month-first`, the 4th of March; `day-first`, the 3rd
    of April; `auto` takes such a column for no dates."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("day_order", self.day_order, ("auto", "month-first", "day-first"))
