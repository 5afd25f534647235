"""Categories: every column of them is a token of one modality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.data.known_names import KnownNames
from perceivers.errors import DataError
from perceivers.kinds.asked import Field
from perceivers.kinds.base import NOTHING_CHOSEN, Kind, ModalityInput, as_tokens, is_empty
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.shading import shaded_list
from perceivers.modalities.ids import MISSING, NUM_RESERVED, UNKNOWN

if TYPE_CHECKING:
    from torch import Tensor

# What has more words than this is text.
MOST_WORDS = 4
# So many different values are categories however few rows there are; of more, each must come often enough to be learned.
FEW_VALUES, USUAL_ROWS = 20, 4


@dataclass(frozen=True)
class CategoryKind(Kind):
    """Categories by their names. A value is a tuple with a text, or None, for each column.

    Args:
        vocabularies: known categories of each column, in the order of their ids; empty before `settle`.
    """

    vocabularies: tuple[tuple[str, ...], ...] = ()

    name: ClassVar[str] = "category"
    options_class: ClassVar[type[Any]] = CategoryOptions
    gathers: ClassVar[bool] = True
    several: ClassVar[str] = "categories"
    is_light: ClassVar[bool] = True
    is_linear: ClassVar[bool] = True
    settles_on: ClassVar[int | None] = None
    tells_learned: ClassVar[bool] = True

    @classmethod
    def guess(cls, name: str, cells: Sequence[Any]) -> float:
        """See Kind."""
        if not all(isinstance(cell, str | bool | int) for cell in cells):
            return 0.0
        texts = [str(cell) for cell in cells]
        words = sum(len(text.split()) for text in texts) / len(texts)
        distinct = len(set(texts))
        comes_often = distinct <= min(FEW_VALUES, len(texts) / 2) or distinct * USUAL_ROWS <= len(texts)
        return 0.7 if comes_often and words <= MOST_WORDS else 0.2

    @classmethod
    def advise(
        cls,
        cells: Sequence[Any],
        table: Any,
        num_rows: int,
        hidden: float,
        chosen: Mapping[str, Any] = NOTHING_CHOSEN,
    ) -> CategoryOptions:
        """See Kind."""
        return CategoryOptions(category_hidden=hidden)

    @property
    def num_tokens(self) -> int | None:
        """See Kind."""
        return len(self.vocabularies) or None

    @property
    def columns_learned(self) -> int | None:
        """See Kind."""
        return len(self.vocabularies)

    def described(self) -> str:
        """See Kind."""
        return f"{self.several}{as_tokens(self.num_tokens)}"

    def read(
        self, row: Mapping[str, Any], columns: Sequence[str], table: Any
    ) -> tuple[str | None, ...] | None:
        """See Kind."""
        value = tuple(_name(row.get(column), known) for column, known in zip_longest(columns, self._known))
        return value if any(text is not None for text in value) else None

    def plain(self, cell: Any, column: str, table: Any) -> str | None:
        """See Kind."""
        return None if is_empty(cell) else str(cell).strip()

    def vocabulary(self, place: int) -> KnownNames:
        """See Kind."""
        return self._known[place]

    def settle(self, values: Sequence[tuple[str | None, ...]], columns: Sequence[str]) -> Self:
        """List the categories of each column that have rows enough, the most frequent first."""
        vocabularies = []
        for cells in zip(*values, strict=True):
            counts = Counter(cell for cell in cells if cell is not None)
            often = [name for name, count in counts.items() if count >= self.options.category_rows]
            vocabularies.append(tuple(sorted(often, key=lambda name: (-counts[name], name))))
        return replace(self, vocabularies=tuple(vocabularies))

    @property
    def varies(self) -> bool:
        """See Kind."""
        return self.options.category_hidden > 0

    def vary(self, value: tuple[str | None, ...], generator: np.random.Generator) -> tuple[str | None, ...]:
        """Hide some of the categories."""
        if not self.options.category_hidden:
            return value
        hidden = generator.random(len(value)) < self.options.category_hidden
        return tuple(
            None if is_hidden else cell for cell, is_hidden in zip(value, hidden.tolist(), strict=True)
        )

    def arrays(self, values: Sequence[tuple[str | None, ...] | None]) -> dict[str, ModalityInput]:
        """Ids, int64 [batch, num_columns]: 0 where one is missing, 1 where one is unknown, else from 2 on."""
        ids = [
            [MISSING] * len(self.vocabularies)
            if value is None
            else [
                MISSING
                if cell is None
                else UNKNOWN
                if (found := known.find(cell)) is None
                else found + NUM_RESERVED
                for cell, known in zip(value, self._known, strict=True)
            ]
            for value in values
        ]
        return {"": ModalityInput(np.array(ids, dtype=np.int64))}

    def modalities(self) -> dict[str, dict[str, Any]]:
        """See Kind."""
        return {"": {"type": "category", "cardinalities": [len(known) for known in self.vocabularies]}}

    def state(self) -> dict[str, Any]:
        """See Kind."""
        return {"vocabularies": [list(known) for known in self.vocabularies]}

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """See Kind."""
        return replace(self, vocabularies=tuple(tuple(known) for known in state["vocabularies"]))

    def content(self, cell: Any, folder: Path) -> Any:
        """See AskedKind."""
        if not isinstance(cell, str | int | float):
            raise DataError(f"must be one name, received {type(cell).__name__}")
        return cell

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """See AskedKind; the most frequent training categories come first."""
        return tuple(
            Field(column, self.name, "choice", choices=known)
            for column, known in zip(columns, self.vocabularies, strict=True)
        )

    def show(
        self,
        value: tuple[str | None, ...] | None,
        weights: Mapping[str, Tensor],
        grids: Mapping[str, tuple[int, ...]],
    ) -> list[tuple[str, float]]:
        """Each category, and the weight of its token."""
        known = [] if value is None else ["" if cell is None else cell for cell in value]
        return list(zip(known, weights[""].tolist(), strict=False))

    def html(self, shown: Sequence[tuple[str, float]], columns: Sequence[str]) -> str:
        """See Kind."""
        return shaded_list(columns, shown)

    @cached_property
    def _known(self) -> tuple[KnownNames, ...]:
        """None before `settle`."""
        return tuple(KnownNames(names) for names in self.vocabularies)


def _name(cell: Any, known: KnownNames | None) -> str | None:
    """What a cell names, as the vocabulary spells it."""
    if is_empty(cell):
        return None
    own = None if known is None else known.name_of(cell)
    return str(cell).strip() if own is None else own
