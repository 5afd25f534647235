"""What follows, by counts of runs: the classic model that a network which writes stands beside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, TypeAlias

from perceivers.errors import ConfigurationError

#: Bytes, or a tuple of whole numbers.
Tokens: TypeAlias = Any


class Ngrams:
    """Interpolated n-grams, smoothed after Witten and Bell (1991, method C).

    With c occurrences of a context and t different tokens behind it, a token that came n times there has the probability
    (n + t p) / (c + t), where p is what the context without its first token gives; without any context, p is
    1 / `num_values`.

    Args:
        order: tokens of context at most, at least 0.
        num_values: different tokens that there may be.
    """

    def __init__(self, order: int, num_values: int = 256) -> None:
        if order < 0:
            raise ConfigurationError(f"`order` must be at least 0, received {order}")
        self.order, self.num_values = order, num_values
        self._followers: list[dict[Hashable, Counter[int]]] = [{} for _ in range(order + 1)]
        self._sums: list[dict[Hashable, int]] = [{} for _ in range(order + 1)]

    def fit(self, texts: Iterable[Tokens]) -> Ngrams:
        """Count the tokens of texts behind the contexts that they have there; gives itself."""
        for text in texts:
            for at, token in enumerate(text):
                for length in range(min(self.order, at) + 1):
                    context = text[at - length : at]
                    self._followers[length].setdefault(context, Counter())[token] += 1
        self._sums = [
            {context: sum(counts.values()) for context, counts in table.items()} for table in self._followers
        ]
        return self

    def probability(self, context: Tokens, token: int, order: int | None = None) -> float:
        """Probability of a token behind a context, of which the last `order` tokens count; None: all that are known."""
        found = 1.0 / self.num_values
        for length in range(min(self.order if order is None else order, len(context)) + 1):
            suffix = context[len(context) - length :]
            counts = self._followers[length].get(suffix)
            if counts is None:
                break
            kinds = len(counts)
            found = (counts[token] + kinds * found) / (self._sums[length][suffix] + kinds)
        return found

    def bits_per_token(self, texts: Iterable[Tokens], order: int | None = None) -> float:
        """Mean bits that the tokens of texts need, each text from its start."""
        bits, count = 0.0, 0
        for text in texts:
            for at, token in enumerate(text):
                context = text[max(at - self.order, 0) : at]
                bits -= math.log2(self.probability(context, token, order))
            count += len(text)
        return bits / max(count, 1)
