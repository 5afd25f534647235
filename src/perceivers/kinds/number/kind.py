"""Numbers: every column of them is a token of one modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.data.numbers import Decimal
from perceivers.kinds.asked import Field
from perceivers.kinds.base import MOSTLY, Kind, ModalityInput, as_tokens
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.number.reading import are_names, is_missing_word, looks_like_number, number_of
from perceivers.kinds.number.sizing import number_options
from perceivers.kinds.shading import shaded_list
from perceivers.processors.numbers import apply_quantiles, fit_quantiles, piecewise_edges

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NumberKind(Kind):
    """Numbers, brought to a normal distribution by their ranks among the training values; a missing one stays missing.

    A value is float64 [num_columns], NaN where a number is missing.

    Args:
        quantiles: float64 [num_quantiles, num_columns], what `fit_quantiles` found; None before `settle`.
        edges: of the bins of each column.
    """

    quantiles: np.ndarray | None = None
    edges: tuple[tuple[float, ...], ...] = ()

    name: ClassVar[str] = "number"
    options_class: ClassVar[type[Any]] = NumberOptions
    gathers: ClassVar[bool] = True
    is_light: ClassVar[bool] = True
    settles_on: ClassVar[int | None] = None

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        known = [cell for cell in cells if not is_missing_word(cell)]
        share = sum(map(looks_like_number, known)) / max(len(known), 1)
        return 0.9 if share >= MOSTLY and not are_names(known) else 0.0

    @classmethod
    def advise(cls, cells: Sequence[Any], table: Any, num_rows: int, hidden: float) -> NumberOptions:
        """See Kind."""
        return number_options(num_rows, hidden)

    @property
    def is_linear(self) -> bool:
        """See Kind: not where waves alone are bent by a ReLU."""
        return bool(self.options.number_encoding != "periodic")

    @property
    def num_tokens(self) -> int | None:
        """See Kind."""
        return None if self.quantiles is None else self.quantiles.shape[1]

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
        value = np.array([number_of(row.get(column), column, decimal) for column in columns])
        return None if np.isnan(value).all() else value

    def plain(self, cell: Any, column: str, table: Any) -> float | None:
        """See Kind."""
        number = number_of(cell, column, getattr(table, "decimal", "point"))
        return None if np.isnan(number) else number

    def settle(self, values: Sequence[np.ndarray], columns: Sequence[str]) -> Self:
        """Find the quantiles of each column, and the bins of the normalised values."""
        table = np.stack(values)
        quantiles = fit_quantiles(table)
        edges = piecewise_edges(apply_quantiles(table, quantiles), self.options.number_bins)
        return replace(self, quantiles=quantiles, edges=tuple(map(tuple, edges)))

    def vary(self, value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Hide some of the numbers."""
        if not self.options.number_hidden:
            return value
        return np.where(generator.random(len(value)) < self.options.number_hidden, np.nan, value)

    def arrays(self, values: Sequence[np.ndarray | None]) -> dict[str, ModalityInput]:
        """Normalised numbers, float32 [batch, num_columns], NaN where one is missing."""
        assert self.quantiles is not None
        absent = np.full(self.quantiles.shape[1], np.nan)
        table = np.stack([absent if value is None else value for value in values])
        return {"": ModalityInput(apply_quantiles(table, self.quantiles).astype(np.float32))}

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
        return {"": own}

    def state(self) -> dict[str, Any]:
        """See Kind."""
        assert self.quantiles is not None
        return {"quantiles": self.quantiles.tolist(), "edges": [list(edges) for edges in self.edges]}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(
            self,
            quantiles=np.array(state["quantiles"], dtype=np.float64),
            edges=tuple(tuple(edges) for edges in state["edges"]),
        )

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind; with the range of the training numbers."""
        assert self.quantiles is not None
        return tuple(
            Field(column, self.name, "number", low=float(known[0]), high=float(known[-1]))
            for column, known in zip(columns, self.quantiles.T, strict=True)
        )

    def show(
        self, value: np.ndarray | None, weights: Mapping[str, Tensor], grids: Mapping[str, tuple[int, ...]]
    ) -> list[tuple[str, float]]:
        """Each number in words, and the weight of its token."""
        known = [] if value is None else value.tolist()
        return list(zip([f"{number:g}" for number in known], weights[""].tolist(), strict=False))

    def html(self, shown: Sequence[tuple[str, float]], columns: Sequence[str]) -> str:
        """See Kind."""
        return shaded_list(columns, shown)
