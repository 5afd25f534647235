"""The class, or the labels, of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from perceivers.data.rows import class_id
from perceivers.data.tables import Table
from perceivers.errors import DataError


@dataclass(frozen=True)
class LabelOf:
    """From a row to the id of its class, or to 1 for each label that it has and 0 for the others, [num_labels] float32.

    Args:
        column: holds the class, or the labels.
        names: names of the classes by id.
        separator: what divides several labels in one text; None where each row has exactly one class.
    """

    column: str
    names: Sequence[str]
    separator: str | None = None

    def __call__(self, row: Mapping[str, Any]) -> Tensor:
        """Look them up."""
        value = row[self.column]
        if self.separator is None:
            return torch.tensor(class_id(value, self.names, self.column))
        label = torch.zeros(len(self.names))
        for name in labels_in(value, self.separator):
            label[class_id(name, self.names, self.column)] = 1.0
        return label


def labels_in(value: Any, separator: str) -> list[str]:
    """Entries of a list, or what `separator` divides; none where the value is empty."""
    if value is None:
        return []
    parts = value if isinstance(value, list | tuple) else str(value).split(separator)
    return [text for text in (str(part).strip() for part in parts) if text]


def names_of_labels(table: Table, column: str, separator: str) -> tuple[str, ...]:
    """All labels of a column whose rows have several each, by letter; a DataError where there is none."""
    names = {name for value in table.column(column) for name in labels_in(value, separator)}
    if not names:
        raise DataError(
            f"`{table.source}` must hold labels in the column {column!r}, received only empty ones"
        )
    return tuple(sorted(names))
