"""Some of many, evenly spread over them: cells of a column, or places of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Cells of a column that are looked at to tell what it holds.
MOST_CELLS = 2_000


def evenly_spread(cells: Sequence[Any], most: int = MOST_CELLS) -> list[Any]:
    """At most so many of them, evenly spread: a column may begin otherwise than it goes on."""
    return [cells[index] for index in range(0, len(cells), max(-(-len(cells) // most), 1))]


def spread_indices(number: int, most: int) -> list[int]:
    """At most so many of the numbers from 0 to `number` - 1, evenly spread: from the first one to the last."""
    return [round(place) for place in np.linspace(0, number - 1, min(number, most)).tolist()]
