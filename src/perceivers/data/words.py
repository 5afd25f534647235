"""Names and counts in messages."""

from __future__ import annotations

from collections.abc import Iterable

MOST_NAMED = 6


def listed(names: Iterable[str], most: int = MOST_NAMED) -> str:
    """Names divided by commas; of many, the first and how many more there are."""
    given = list(names)
    more = len(given) - most
    return ", ".join(given[:most]) + (f" and {more:,} more" if more > 0 else "")


def counted(count: int, one: str, many: str) -> str:
    """A number with the word for one or for many."""
    return f"1 {one}" if count == 1 else f"{count:,} {many}"
