"""What follows, by counts of runs of bytes: the classic model that a network which writes stands beside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from perceivers.errors import ConfigurationError

NUM_VALUES = 256


class ByteNgrams:
    """Interpolated n-grams of bytes, smoothed after Witten and Bell (1991, method C).

    With c occurrences of a context and t different bytes behind it, a byte that came n times there has the probability
    (n + t p) / (c + t), where p is what the context without its first byte gives; without any context, p is 1 / 256.

    Args:
        order: bytes of context at most, at least 0.
    """

    def __init__(self, order: int) -> None:
        if order < 0:
            raise ConfigurationError(f"`order` must be at least 0, received {order}")
        self.order = order
        self._followers: list[dict[bytes, Counter[int]]] = [{} for _ in range(order + 1)]
        self._sums: list[dict[bytes, int]] = [{} for _ in range(order + 1)]

    def fit(self, texts: Iterable[bytes]) -> ByteNgrams:
        """Count the bytes of texts behind the contexts that they have there; gives itself."""
        for text in texts:
            for at, byte in enumerate(text):
                for length in range(min(self.order, at) + 1):
                    context = text[at - length : at]
                    self._followers[length].setdefault(context, Counter())[byte] += 1
        self._sums = [
            {context: sum(counts.values()) for context, counts in table.items()} for table in self._followers
        ]
        return self

    def probability(self, context: bytes, byte: int, order: int | None = None) -> float:
        """Probability of a byte behind a context, of which the last `order` bytes are looked at; None: all that are known."""
        found = 1.0 / NUM_VALUES
        for length in range(min(self.order if order is None else order, len(context)) + 1):
            suffix = context[len(context) - length :]
            counts = self._followers[length].get(suffix)
            if counts is None:
                break
            kinds = len(counts)
            found = (counts[byte] + kinds * found) / (self._sums[length][suffix] + kinds)
        return found

    def bits_per_byte(self, texts: Iterable[bytes], order: int | None = None) -> float:
        """Mean bits that the bytes of texts need, each text from its start."""
        bits, count = 0.0, 0
        for text in texts:
            for at, byte in enumerate(text):
                context = text[max(at - self.order, 0) : at]
                bits -= math.log2(self.probability(context, byte, order))
            count += len(text)
        return bits / max(count, 1)
