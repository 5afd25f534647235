"""Rows of a table to samples, and what is said of a row that cannot be one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from perceivers.data.kept import KeptValues
from perceivers.errors import DataError
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Sample


@dataclass(frozen=True)
class RowReader:
    """Rows to samples, as `perceivers.data.rows.Decode` asks for it.

    Args:
        columns: see Columns.
        needs_all: refuse a row without a value, instead of masking it.
        kept: values that were read before; None keeps none.
        checks_members: refuse a target that is none of the members of the row's own set; not where sets are exchanged.
        needs_target: refuse a row without a target, too, instead of leaving it unlearned.
    """

    columns: Columns
    needs_all: bool = False
    kept: KeptValues | None = None
    checks_members: bool = True
    needs_target: bool = False

    def __call__(self, row: Mapping[str, Any], table: Any) -> Sample:
        """Read one row."""
        as_missing = getattr(table, "as_missing", {})
        if as_missing:
            row = {
                name: None if _is_one_of(cell, as_missing.get(name, ())) else cell
                for name, cell in row.items()
            }
        sample = self.columns.read(row, table, self.kept)
        if self.checks_members:
            self.columns.require_members(sample)
        if self.needs_all:
            for each, value in zip(self.columns.inputs, sample.values, strict=True):
                if value is None:
                    raise DataError(f"has no value in the column {', '.join(each.columns)!r}")
            require_asked(row, self.columns)
        if self.needs_target:
            for answer, target in zip(self.columns.answers.values(), sample.targets, strict=True):
                if target is None and answer.asks(row):
                    raise DataError(f"has no value in the column {answer.column!r}")
        return sample


def _is_one_of(cell: Any, texts: Collection[str]) -> bool:
    return isinstance(cell, str) and cell in texts


def require_asked(row: Mapping[str, Any], columns: Columns) -> None:
    """Raise DataError where a row says that it belongs to no answer."""
    answers = columns.answers.values()
    if not answers or any(answer.asks(row) for answer in answers):
        return
    column = next(answer.where[0] for answer in answers if answer.where)
    known = ", ".join(answer.title for answer in answers)
    raise DataError(f"has {row[column]!r} in the column {column!r}, which is not one of {known}")
