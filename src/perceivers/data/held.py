"""Tables some of whose columns are held in memory, so that their rows are read fast, again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.data.tables import Table, require_whole


class HeldTable(Table):
    """A table, its small columns held in memory; only the others are read from where they lie.

    Args:
        table: the rows.
        held: columns that are held.
        others: further columns that are read; all that are neither are left out.
    """

    def __init__(self, table: Table, held: Sequence[str], others: Sequence[str] = ()) -> None:
        super().__init__(table.source, (*held, *others), table.root)
        self.notes, self.decimal, self.left_out = table.notes, table.decimal, table.left_out
        self.as_missing, self.called = table.as_missing, table.called
        self._table, self._others = table, tuple(others)
        self._held = {name: list(table.column(name)) for name in held}

    def __len__(self) -> int:
        """See Table."""
        return len(self._table)

    @property
    def torn(self) -> Mapping[int, str]:
        """See Table."""
        return self._table.torn

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        require_whole(self, index)
        row = {name: cells[index] for name, cells in self._held.items()}
        if self._others:
            read = self._table[index]
            row.update((name, read[name]) for name in self._others)
        return row

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        return self._held[name] if name in self._held else self._table.column(name)

    def numbers(self, name: str) -> np.ndarray:
        """See Table."""
        return self._table.numbers(name) if self.decimal == self._table.decimal else super().numbers(name)

    def name(self, index: int) -> str:
        """See Table."""
        return self._table.name(index)
