"""Some cells of a column, evenly spread over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Cells of a column that are looked at to tell what it holds.
MOST_CELLS = 2_000


def evenly_spread(cells: Sequence[Any], most: int = MOST_CELLS) -> list[Any]:
    """At most so many of them, evenly spread: a column may begin otherwise than it goes on."""
    return [cells[index] for index in range(0, len(cells), max(-(-len(cells) // most), 1))]
