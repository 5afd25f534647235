"""Names in columns of categories that a trained model has never seen: a few are no surprise, many are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from perceivers.data.known_names import KnownNames
from perceivers.data.tables import StreamTable, Table
from perceivers.data.words import listed
from perceivers.kinds.base import is_empty
from perceivers.tasks.columns import Columns

# The share of a column's names that may be unknown before anybody is told.
FEW = 0.5
# Names that are shown, and letters of each.
MOST_NAMED, MOST_LETTERS = 3, 40


def unknown_names_told(table: Table | StreamTable, columns: Columns) -> list[str]:
    """A line for each column of categories of which the model knows less than half.

    Args:
        table: the rows that are asked about; a stream is not looked through.
        columns: of a trained model.
    """
    if isinstance(table, StreamTable):
        return []
    lines = []
    for each in columns.inputs:
        for place, column in enumerate(each.columns):
            known = each.kind.vocabulary(place)
            if known is None or column not in table.columns:
                continue
            said = _said(table.column(column), known)
            if said:
                lines.append(f"`{table.source}`, column {column!r}: {said}")
    return lines


def _said(cells: Sequence[Any], known: KnownNames) -> str:
    counts = Counter(str(cell).strip() for cell in cells if not is_empty(cell) and known.find(cell) is None)
    unknown, filled = counts.total(), sum(not is_empty(cell) for cell in cells)
    if not known.names or unknown <= FEW * filled:
        return ""
    often = (repr(text[:MOST_LETTERS]) for text, _ in counts.most_common())
    return (
        f"{unknown:,} of {filled:,} names are unknown to the model ({listed(often, MOST_NAMED)}); it knows "
        f"{listed(map(repr, known.names), MOST_NAMED)}"
    )
