"""Which token comes next: scores made smaller or impossible, then the best one or a draw. Arrays alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import ConfigurationError

Scores = NDArray[np.floating]
# Far from the seeds that people choose, so that rows of one call share none with those of the next seed.
_SEEDS_APART = 1_000_003
# Bits of a number that is drawn, and of a seed.
_DRAWN_BITS, _SEED_BITS = 24, 32


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen.

    Attributes:
        temperature: scores are divided by it before a draw; 0 takes the best one.
        top_k: only so many of the best may be drawn; None for all.
        top_p: only the best that together have this probability may be drawn; None for all.
        repetition_penalty: above 1, tokens that are there already are less likely, see `penalized`.
        suppress: ids that are never chosen.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0
    suppress: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        rules = (
            ("temperature", self.temperature >= 0.0, "at least 0"),
            (
                "top_k",
                self.top_k is None or (is_whole(self.top_k) and self.top_k >= 1),
                "a whole number of at least 1",
            ),
            ("top_p", self.top_p is None or 0.0 < self.top_p <= 1.0, "in (0, 1]"),
            ("repetition_penalty", self.repetition_penalty > 0.0, "above 0"),
        )
        for name, holds, expected in rules:
            if not holds:
                raise ConfigurationError(f"`{name}` must be {expected}, received {getattr(self, name)!r}")

    def choose(
        self, logits: Scores, seen: NDArray[np.bool_], generators: Sequence[np.random.MT19937]
    ) -> NDArray[np.int64]:
        """One id a row.

        Args:
            logits: [batch, vocab_size].
            seen: bool [batch, vocab_size], True of ids that a row has already.
            generators: one a row; used where something is drawn.

        Returns:
            ids [batch].
        """
        scores = penalized(logits, seen, self.repetition_penalty)
        if self.suppress:
            scores[:, list(self.suppress)] = -np.inf
        if self.temperature == 0.0:
            return scores.argmax(axis=-1)
        probabilities = softmax(self.filtered(scores))
        # The first id whose cumulated probability exceeds a number drawn for the row alone.
        drawn = np.array([draw(each) for each in generators])
        cumulated = probabilities.cumsum(axis=-1)
        chosen = (cumulated <= drawn[:, None] * cumulated[:, -1:]).sum(axis=-1)
        # Rounding must not choose an id that is impossible.
        return np.minimum(chosen, _last_possible(probabilities))

    def filtered(self, scores: Scores) -> Scores:
        """Scores [batch, vocab_size] with all that may not be drawn at minus infinity, over the temperature.

        As in Perceiver AR's code, what may be drawn is decided before the temperature.
        """
        if self.top_k is not None and self.top_k < scores.shape[-1]:
            least = np.partition(scores, -self.top_k, axis=-1)[:, -self.top_k, None]
            scores = np.where(scores < least, -np.inf, scores)
        if self.top_p is not None and self.top_p < 1.0:
            scores = nucleus(scores, self.top_p)
        return scores / self.temperature


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, of Python's or NumPy's; truth values are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def nucleus(scores: Scores, top_p: float) -> Scores:
    """Scores with the least likely ids at minus infinity, which together have at most 1 - `top_p` (Holtzman et al. 2020)."""
    probabilities = softmax(scores)
    order = probabilities.argsort(axis=-1, kind="stable")
    ascending = np.take_along_axis(probabilities, order, axis=-1)
    removed = (ascending.cumsum(axis=-1) < 1.0 - top_p).sum(axis=-1, keepdims=True)
    # One at least stays, whatever rounding makes of the sum.
    first_kept = np.take_along_axis(order, removed.clip(max=scores.shape[-1] - 1), axis=-1)
    return np.where(scores < np.take_along_axis(scores, first_kept, axis=-1), -np.inf, scores)


def penalized(scores: Scores, seen: NDArray[np.bool_], penalty: float) -> Scores:
    """Scores of ids that are there already, divided by `penalty` where above 0, else multiplied (Keskar et al. 2019)."""
    if penalty == 1.0:
        return scores.copy()
    lowered = np.where(scores > 0.0, scores / penalty, scores * penalty)
    return np.where(seen, lowered, scores)


def softmax(scores: Scores) -> Scores:
    """Probabilities over the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Scores = powers / powers.sum(axis=-1, keepdims=True)
    return found


def generators_of(seed: int, count: int) -> list[np.random.MT19937]:
    """One source of chance a row: what a row draws does not depend on the rows beside it.

    Each gives what torch's generator of that seed gives on a processor: both are begun in the original way (Matsumoto and
    Nishimura 1998).
    """
    found = []
    for row in range(count):
        generator = np.random.MT19937()
        started = np.random.RandomState((seed * _SEEDS_APART + row) % 2**_SEED_BITS)
        state: Any = started.get_state(legacy=False)
        generator.state = state
        found.append(generator)
    return found


def draw(generator: np.random.MT19937) -> float:
    """A number in [0, 1), as `torch.rand` draws one of float32."""
    return (int(generator.random_raw()) & (2**_DRAWN_BITS - 1)) / 2**_DRAWN_BITS


def _last_possible(probabilities: Scores) -> NDArray[np.int64]:
    places = np.arange(probabilities.shape[-1])
    return np.where(probabilities > 0.0, places, 0).max(axis=-1)
