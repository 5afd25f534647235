"""Dates: each column of them is a few numbers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from perceivers.data.day_order import EXAMPLES, ORDERS, DayOrder, day_order, may_be_two_dates, why_no_order
from perceivers.errors import DataError
from perceivers.kinds.asked import Field
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN
from perceivers.kinds.date.options import DateOptions
from perceivers.kinds.date.reading import PARTS, date_of, is_missing_date, looks_like_date, parts_of
from perceivers.kinds.number.kind import NumberKind

if TYPE_CHECKING:
    from torch import Tensor

    from perceivers.data.some_cells import SomeCells


@dataclass(frozen=True)
class DateKind(NumberKind):
    """Points in time, told as year, month, day, weekday, hour and elapsed days, each a number like any other.

    A value is float64 [6 * num_columns], NaN where a date is missing. The form of a column (`forms`) is the order of day and
    month in dates such as 3/4/2024, which `survey` finds; "" where there are none.
    """

    name: ClassVar[str] = "date"
    options_class: ClassVar[type[Any]] = DateOptions

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        known = [cell for cell in cells if not is_missing_date(cell)]
        order = day_order(known)
        num_dates = sum(looks_like_date(cell, order) for cell in known)
        return 0.95 if known and num_dates >= MOSTLY * len(known) else 0.0

    @classmethod
    def number_texts(cls, column: SomeCells, table: Any) -> Sequence[SomeCells]:
        """See Kind."""
        return ()

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> DateOptions:
        """See Kind."""
        return DateOptions(**asdict(super().advise(cells, table, num_rows, hidden, chosen)))

    @property
    def columns_learned(self) -> int | None:
        """See Kind; each has six numbers."""
        return None if self.quantiles is None else self.quantiles.shape[1] // len(PARTS)

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """See Kind."""
        cells = [(row.get(column), column) for column in columns]
        moments = [None if is_missing_date(cell) else self._date_of(cell, column) for cell, column in cells]
        if all(moment is None for moment in moments):
            return None
        return np.array([part for moment in moments for part in parts_of(moment)])

    def plain(self, cell: Any, column: str, table: Any) -> Any:
        """See Kind."""
        return None if is_missing_date(cell) else self._date_of(cell, column)

    def _date_of(self, cell: Any, column: str) -> datetime:
        return date_of(cell, column, cast(DayOrder, self.forms.get(column, "")))

    def stray(self, column: str) -> str:
        """See Kind."""
        return "date"

    def typed(self, cell: Any, column: str, table: Any) -> Any:
        """See Kind."""
        return self.plain(cell, column, table)

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """Find the order of day and month of the columns that were not looked at yet: as their cells tell, else as was said.

        Raises:
            DataError: a column of such dates has none.
        """
        said = cast(
            DayOrder, "" if self.options.day_order == "auto" else self.options.day_order.replace("-", " ")
        )
        found: dict[str, DayOrder] = {}
        for column in columns:
            if column not in self.forms:
                known = [cell for cell in table.column(column) if not is_missing_date(cell)]
                if why := why_no_order(known, said):
                    raise DataError(f"`{table.source}`, column {column!r}: {why}, {_cures(column, known)}")
                found[column] = day_order(known) or (said if any(map(may_be_two_dates, known)) else "")
        return replace(self, forms={**self.forms, **found}) if found else self

    def column_note(self, column: str) -> str:
        """See Kind."""
        order = cast(DayOrder, self.forms.get(column, ""))
        return f"dates with the {order}, as in {EXAMPLES[order]}" if order else ""

    def state(self) -> dict[str, Any]:
        """See Kind."""
        own = NumberKind.state(replace(self, forms={}))
        return {**own, "day_orders": dict(self.forms)} if any(self.forms.values()) else own

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(super().with_state(state), forms=dict(state.get("day_orders", {})))

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


def _cures(column: str, known: Sequence[Any]) -> str:
    as_text = f"or name another kind: --column {shlex.quote(f'{column}=text')}"
    # No order tells anything of years of two digits.
    if why_no_order(known, ORDERS[0]):
        return as_text
    options = (shlex.quote(f"{column}:day-order={order.replace(' ', '-')}") for order in ORDERS)
    return f"say --column-options {' or '.join(options)}, {as_text}"
