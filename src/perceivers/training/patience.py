"""When a run has waited long enough for a better look at its validation samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal


def looks_in_vain(
    history: Sequence[Mapping[str, float]], name: str, better: Literal["higher", "lower"]
) -> int:
    """Number of the latest looks that brought nothing better than the best look before them.

    Args:
        history: one row a look; rows without the score, and looks that found no number, bring nothing.
        name: of the score.
        better: which scores are better; equal ones are not.
    """
    sign, best, waited = 1.0 if better == "higher" else -1.0, -float("inf"), 0
    for row in history:
        score = sign * row.get(name, float("nan"))
        waited = 0 if score > best else waited + 1
        best = score if score > best else best
    return waited
