"""What an answer says of one sample, as people are told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Said:
    """One answer about one sample.

    Args:
        title: what was asked, as the data call it.
        words: the answer.
        shares: names with their probabilities, falling; none of what has no names.
        chosen: the names that were answered.
        note: what stands behind the words, such as an interval.
    """

    title: str
    words: str
    shares: Mapping[str, float] = field(default_factory=dict)
    chosen: frozenset[str] = frozenset()
    note: str = ""
