"""What is read of a row: one input or several columns as one value, and the sample that all of them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from perceivers.data.kept import KeptValues, key_of
from perceivers.kinds.base import Kind
from perceivers.kinds.cells import require_inside


@dataclass(frozen=True)
class Sample:
    """A row that was read.

    Args:
        values: one an input, None where it is absent.
        targets: one an answer, None where it is missing.
    """

    values: tuple[Any, ...]
    targets: tuple[Any, ...]

    def with_value(self, place: int, value: Any) -> Sample:
        """The same row with another value of one input.

        Args:
            place: of the input among the others.
            value: None: it is absent.
        """
        return replace(self, values=(*self.values[:place], value, *self.values[place + 1 :]))


@dataclass(frozen=True)
class Input:
    """What is read of a row as one value.

    Args:
        name: of its modality in the model; "" where the kind's own names are enough.
        columns: that are read, in order.
        kind: what they hold.
        strays: texts of training cells that were taken for missing, by column, see `perceivers.tasks.strays`.
    """

    name: str
    columns: tuple[str, ...]
    kind: Kind
    strays: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)

    def read(self, row: Mapping[str, Any], table: Any, kept: KeptValues | None = None) -> Any:
        """The value of a row, see Kind; taken from what was kept, and kept itself, where the kind's values are.

        Args:
            row: cells by column.
            table: what the row is from.
            kept: values that were read before.

        Raises:
            DataError: see Kind; or a path leaves the folder of its table.
        """
        for column in self.columns if self.kind.suffixes else ():
            require_inside(row.get(column), table, self.kind.suffixes)
        settings = None if kept is None else self.kind.kept()
        key = None if settings is None else key_of(row.get(self.columns[0]), table.root, settings)
        if kept is None or key is None:
            return self.kind.read(row, self.columns, table)
        arrays = kept.get(key)
        if arrays is not None:
            return self.kind.unpack(arrays)
        value = self.kind.read(row, self.columns, table)
        if value is not None:
            kept.add(key, self.kind.pack(value))
        return value

    def modality(self, own: str) -> str:
        """Name in the model of what the kind calls `own`; a kind of a single modality has the input's name."""
        return "_".join(filter(None, (self.name, own)))

    @property
    def modality_names(self) -> dict[str, str]:
        """Names of the kind's modalities in the model, by those that the kind has for them."""
        return {own: self.modality(own) for own in self.kind.modality_names}
