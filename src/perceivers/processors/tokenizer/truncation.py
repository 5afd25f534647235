"""How much of a text, or of a pair of texts, is kept when both must fit a length."""

from __future__ import annotations

from typing import TypeVar

from perceivers.errors import ConfigurationError
from perceivers.processors.tokenizer.byte_codec import Piece

LONGEST_FIRST = "longest_first"
ONLY_FIRST = "only_first"
ONLY_SECOND = "only_second"
DO_NOT_TRUNCATE = "do_not_truncate"
TRUNCATION_STRATEGIES = (LONGEST_FIRST, ONLY_FIRST, ONLY_SECOND, DO_NOT_TRUNCATE)

Values = TypeVar("Values", Piece, "list[int]")


def truncation_strategy(truncation: object) -> str:
    """The strategy's name for what callers write: True, False, a name, or None.

    Raises:
        ConfigurationError: none of those.
    """
    if truncation is None or truncation is False:
        return DO_NOT_TRUNCATE
    if truncation is True:
        return LONGEST_FIRST
    name = getattr(truncation, "value", truncation)
    if name not in TRUNCATION_STRATEGIES:
        raise ConfigurationError(
            f"`truncation` must be True, False or one of {', '.join(TRUNCATION_STRATEGIES)}, received {truncation!r}"
        )
    return str(name)


def kept_lengths(first: int, second: int | None, excess: int, strategy: str) -> tuple[int, int | None]:
    """Lengths after `excess` ids are removed; never below zero.

    Args:
        first: length of the first text.
        second: length of the second, None if there is none.
        excess: how many ids too many there are.
        strategy: "longest_first" takes each id from the longer text, from the second where they are equal.
    """
    if excess <= 0 or strategy == DO_NOT_TRUNCATE:
        return first, second
    if strategy == ONLY_FIRST or (strategy == LONGEST_FIRST and second is None):
        return max(first - excess, 0), second
    if second is None:
        return first, None
    if strategy == ONLY_SECOND:
        return first, max(second - excess, 0)
    if max(first, second) - excess >= min(first, second):
        return (first - excess, second) if first > second else (first, second - excess)
    total = max(first + second - excess, 0)
    return total - total // 2, total // 2


def keep(ids: Values, length: int, side: str) -> Values:
    """The first `length` ids, or the last ones where the left side is cut."""
    return ids[:length] if side == "right" else ids[len(ids) - length :]


def overflow(ids: Values, excess: int, stride: int, side: str) -> Values:
    """The ids that were cut off, with the `stride` kept ones next to them."""
    window = min(len(ids), stride + excess)
    return ids[len(ids) - window :] if side == "right" else ids[:window]
