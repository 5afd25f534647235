"""Dates: each column of them is a few numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.kinds.asked import Field
from perceivers.kinds.base import MOSTLY
from perceivers.kinds.date.reading import PARTS, date_of, is_missing_date, looks_like_date, parts_of
from perceivers.kinds.number.kind import NumberKind

if TYPE_CHECKING:
    from torch import Tensor

    from perceivers.data.some_cells import SomeCells


@dataclass(frozen=True)
class DateKind(NumberKind):
    """Points in time, told as year, month, day, weekday, hour and elapsed days, each a number like any other.

    A value is float64 [6 * num_columns], NaN where a date is missing.
    """

    name: ClassVar[str] = "date"

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        known = [cell for cell in cells if not is_missing_date(cell)]
        return 0.95 if known and sum(map(looks_like_date, known)) >= MOSTLY * len(known) else 0.0

    @classmethod
    def number_texts(cls, column: SomeCells, table: Any) -> Sequence[SomeCells]:
        """See Kind."""
        return ()

    @property
    def columns_learned(self) -> int | None:
        """See Kind; each has six numbers."""
        return None if self.quantiles is None else self.quantiles.shape[1] // len(PARTS)

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """See Kind."""
        cells = [(row.get(column), column) for column in columns]
        moments = [None if is_missing_date(cell) else date_of(cell, column) for cell, column in cells]
        if all(moment is None for moment in moments):
            return None
        return np.array([part for moment in moments for part in parts_of(moment)])

    def plain(self, cell: Any, column: str, table: Any) -> Any:
        """See Kind."""
        return None if is_missing_date(cell) else date_of(cell, column)

    def stray(self, column: str) -> str:
        """See Kind."""
        return "date"

    def typed(self, cell: Any, column: str, table: Any) -> Any:
        """See Kind."""
        return self.plain(cell, column, table)

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """See Kind: dates tell nothing of each other."""
        return self

    def column_note(self, column: str) -> str:
        """See Kind."""
        return ""

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind."""
        hint = "such as 2024-03-31, or 2024-03-31 18:30"
        return tuple(Field(column, self.name, "date", hint) for column in columns)

    def show(
        self, value: np.ndarray | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> list[tuple[str, float]]:
        """Each date in words, and the weight of its tokens together."""
        if value is None:
            return []
        parts = value.reshape(-1, len(PARTS))
        totals = (
            weights[""].reshape(-1, len(PARTS)).sum(dim=1).tolist() if "" in weights else [0.0] * len(parts)
        )
        words = [
            "" if np.isnan(each[0]) else f"{int(each[0]):04d}-{int(each[1]):02d}-{int(each[2]):02d}"
            for each in parts
        ]
        return list(zip(words, totals, strict=True))
