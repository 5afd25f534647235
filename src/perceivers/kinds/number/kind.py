"""Numbers: every column of them is a token of one modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import Decimal, is_missing_word, looks_like_number
from perceivers.data.unit_forms import UnitForm
from perceivers.kinds.asked import Field
from perceivers.kinds.base import MOSTLY, NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, is_empty
from perceivers.kinds.number.by_value import ids_of, several_times
from perceivers.kinds.number.forms import Form, described, form_of_column, forms_of, states, written
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.number.reading import are_names, number_of
from perceivers.kinds.number.sizing import number_options
from perceivers.kinds.shading import shaded_list
from perceivers.processors.numbers import apply_quantiles, fit_quantiles, piecewise_edges, standardised

if TYPE_CHECKING:
    from torch import Tensor

    from perceivers.data.some_cells import SomeCells

# What the modality of values is called, beside that of numbers.
VALUES = "values"


@dataclass(frozen=True)
class NumberKind(Kind):
    """Numbers, as normal ones by their ranks among the training values, or as deviations; a missing one stays missing.

    A value is float64 [num_columns], NaN where a number is missing. Durations are numbers of seconds, units are left out.
    What is infinite is the largest training number, or the smallest one.

    Args:
        quantiles: float64 [num_quantiles, num_columns], what `fit_quantiles` found; None before `settle`.
        edges: of the bins of each column.
        forms: column -> how it writes its numbers, "" where they stand alone; of the columns that `survey` has seen, in
            their order.
        by_value: columns of which `settle` finds the values, so that each is told, too, like a category.
        known: place of a column -> the values that it is told by, too, ascending.
    """

    quantiles: np.ndarray | None = None
    edges: tuple[tuple[float, ...], ...] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    by_value: tuple[str, ...] = ()
    known: Mapping[int, tuple[float, ...]] = field(default_factory=dict)

    name: ClassVar[str] = "number"
    options_class: ClassVar[type[Any]] = NumberOptions
    gathers: ClassVar[bool] = True
    is_light: ClassVar[bool] = True
    settles_on: ClassVar[int | None] = None
    tells_learned: ClassVar[bool] = True

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        known = [cell for cell in cells if not is_missing_word(cell)]
        share = sum(map(looks_like_number, known)) / max(len(known), 1)
        if share >= MOSTLY:
            return 0.0 if are_names(known) else 0.9
        return 0.9 if form_of_column(known) else 0.0

    @classmethod
    def number_texts(cls, column: SomeCells, table: Any) -> Sequence[SomeCells]:
        """See Kind."""
        return (column,)

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> NumberOptions:
        """See Kind."""
        return number_options(num_rows, hidden)

    @property
    def is_linear(self) -> bool:
        """See Kind: not where waves alone are bent by a ReLU."""
        return bool(self.options.number_encoding != "periodic")

    @property
    def num_tokens(self) -> int | None:
        """See Kind."""
        return None if self.quantiles is None else self.quantiles.shape[1] + len(self.known)

    @property
    def columns_learned(self) -> int | None:
        """See Kind."""
        return None if self.quantiles is None else self.quantiles.shape[1]

    def described(self) -> str:
        """See Kind."""
        return f"{self.several}{as_tokens(self.num_tokens)}"

    def read(self, row: Mapping[str, Any], columns: Sequence[str], table: Any) -> np.ndarray | None:
        """See Kind."""
        decimal: Decimal = getattr(table, "decimal", "point")
        value = np.array(
            [number_of(row.get(column), column, decimal, self.forms.get(column, "")) for column in columns]
        )
        return None if np.isnan(value).all() else value

    def plain(self, cell: Any, column: str, table: Any) -> float | None:
        """See Kind."""
        number = number_of(cell, column, getattr(table, "decimal", "point"), self.forms.get(column, ""))
        return None if np.isnan(number) else number

    def stray(self, column: str) -> str:
        """See Kind."""
        form = self.forms.get(column, "")
        return "duration" if form and isinstance(form, str) else "number"

    def typed(self, cell: Any, column: str, table: Any) -> Any:
        """See Kind; a duration in the form of its column, a number with a unit as it is."""
        number, form = self.plain(cell, column, table), self.forms.get(column, "")
        if isinstance(form, UnitForm) and number is not None:
            # Which is read again with all of its digits.
            return cell.strip() if isinstance(cell, str) else number
        return written(number, form) if form and number is not None else number

    def survey(self, table: Any, columns: Sequence[str]) -> Self:
        """Find the columns of durations and of numbers with a unit, of those that were not looked at yet."""
        found: dict[str, Form] = {}
        decimal: Decimal = getattr(table, "decimal", "point")
        for column in columns:
            if column not in self.forms:
                filled = [cell for cell in table.column(column) if not is_empty(cell)]
                found[column] = form_of_column(evenly_spread(filled), decimal)
        return replace(self, forms={**self.forms, **found}) if found else self

    def with_surveys(self, others: Sequence[Self]) -> Self:
        """See Kind."""
        found = {column: form for each in others for column, form in each.forms.items()}
        return replace(self, forms={**self.forms, **found}) if found else self

    def column_note(self, column: str) -> str:
        """See Kind."""
        form = self.forms.get(column, "")
        minutes = "; 1:02 is a minute and 2 seconds" if form in ("0:00", "00:00") else ""
        return f"{described(form)}{minutes}"

    def settle(self, values: Sequence[np.ndarray], columns: Sequence[str]) -> Self:
        """Find the quantiles of each column, the bins of the normalised values, and the values that come more than once."""
        table = np.stack(values)
        quantiles = fit_quantiles(np.where(np.isinf(table), np.nan, table))
        edges = piecewise_edges(self._scaled(table, quantiles), self.options.number_bins)
        known = {
            place: several_times(table[:, place])
            for place, column in enumerate(columns)
            if column in self.by_value
        }
        return replace(self, quantiles=quantiles, edges=tuple(map(tuple, edges)), known=known)

    @property
    def varies(self) -> bool:
        """See Kind."""
        return self.options.number_hidden > 0

    def vary(self, value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Hide some of the numbers."""
        if not self.options.number_hidden:
            return value
        return np.where(generator.random(len(value)) < self.options.number_hidden, np.nan, value)

    def arrays(self, values: Sequence[np.ndarray | None]) -> dict[str, ModalityInput]:
        """Normalised numbers, float32 [batch, num_columns], NaN where one is missing; ids of those that are told by value."""
        assert self.quantiles is not None
        absent = np.full(self.quantiles.shape[1], np.nan)
        table = np.stack([absent if value is None else value for value in values])
        numbers = {"": ModalityInput(self._scaled(table, self.quantiles).astype(np.float32))}
        if not self.known:
            return numbers
        ids = [ids_of(table[:, place], known) for place, known in self.known.items()]
        return {**numbers, VALUES: ModalityInput(np.stack(ids, axis=1))}

    def _scaled(self, table: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        apply = apply_quantiles if self.options.number_scale == "ranks" else standardised
        return apply(np.where(np.isinf(table), np.clip(table, quantiles[0], quantiles[-1]), table), quantiles)

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        assert self.quantiles is not None
        own: dict[str, Any] = {
            "type": "number",
            "num_columns": self.quantiles.shape[1],
            "encoding": self.options.number_encoding,
        }
        if self.options.number_encoding != "periodic":
            own["bin_edges"] = [list(edges) for edges in self.edges]
        if self.options.number_encoding != "piecewise":
            own |= {"num_frequencies": self.options.number_frequencies, "sigma": self.options.number_sigma}
        if not self.known:
            return {"": own}
        return {"": own, VALUES: {"type": "category", "cardinalities": list(map(len, self.known.values()))}}

    def state(self) -> dict[str, Any]:
        """See Kind."""
        assert self.quantiles is not None
        return {
            "quantiles": self.quantiles.tolist(),
            "edges": [list(edges) for edges in self.edges],
            **states(self.forms),
            **(
                {"by_value": {str(place): list(own) for place, own in self.known.items()}}
                if self.known
                else {}
            ),
        }

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(
            self,
            quantiles=np.array(state["quantiles"], dtype=np.float64),
            edges=tuple(tuple(edges) for edges in state["edges"]),
            forms=forms_of(state),
            known={int(place): tuple(own) for place, own in state.get("by_value", {}).items()},
        )

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind; with the range of the training numbers."""
        assert self.quantiles is not None
        return tuple(
            self._field(column, float(known[0]), float(known[-1]))
            for column, known in zip(columns, self.quantiles.T, strict=True)
        )

    def _field(self, column: str, low: float, high: float) -> Field:
        form = self.forms.get(column, "")
        if not form:
            return Field(column, self.name, "number", low=low, high=high)
        what = "a number with its unit" if isinstance(form, UnitForm) else "a duration"
        return Field(column, self.name, hint=f"{what}, {written(low, form)} to {written(high, form)}")

    def show(
        self, value: np.ndarray | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> list[tuple[str, float]]:
        """Each number in words, and the weight of its tokens."""
        known = [] if value is None else value.tolist()
        forms = list(self.forms.values()) if len(self.forms) == len(known) else [""] * len(known)
        words = [
            written(number, form) if form and np.isfinite(number) else f"{number:g}"
            for number, form in zip(known, forms, strict=True)
        ]
        shares = weights[""].tolist()
        if VALUES in weights:
            for place, share in zip(self.known, weights[VALUES].tolist(), strict=True):
                shares[place] += share
        return list(zip(words, shares, strict=False))

    def html(self, shown: Sequence[tuple[str, float]], columns: Sequence[str]) -> str:
        """See Kind."""
        return shaded_list(columns, shown)
