"""Hidden words guessed from what stands on both sides, by counts of runs of bytes: what fill-mask stands beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np

# Stands in a text where a byte is hidden, and for what lies beyond its ends.
UNKNOWN = -1
NUM_BYTES = 256
# Places in a word beyond which counts are shared.
FARTHEST = 8
# What did best on held-out texts.
DISCOUNT, POWER = 8.0, 0.4
# Contexts are told apart by the last 56 bits of their hash.
_BYTE = np.uint64(8)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class _Followers:
    """How often each byte came in each context: keys of contexts, ascending, and from `starts` on their bytes and counts."""

    keys: np.ndarray
    starts: np.ndarray
    values: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray, values: np.ndarray) -> Self:
        """Count pairs of a context's key and a byte, uint64 and uint8 [count]."""
        pairs, counts = np.unique((keys << _BYTE) | values, return_counts=True)
        keys, starts = np.unique(pairs >> _BYTE, return_index=True)
        return cls(keys, np.append(starts, len(pairs)), (pairs & np.uint64(0xFF)).astype(np.uint8), counts)

    def behind(self, key: np.uint64) -> tuple[np.ndarray, np.ndarray] | None:
        """Bytes, each once, and their counts; None where the context never came."""
        key = (key << _BYTE) >> _BYTE
        place = int(np.searchsorted(self.keys, key))
        if place == len(self.keys) or self.keys[place] != key:
            return None
        own = slice(self.starts[place], self.starts[place + 1])
        return self.values[own], self.counts[own]


@dataclass
class BothSides:
    """Counts of the bytes of words by what is known on the left, and on the right, of the word.

    All bytes of a hidden word are hidden, and counts know how far the nearest known one is. On each side, n times
    a byte among c bytes, k of them different, behind a context give the byte the probability (n + d k p) / (c + d k), where p
    is what the shorter context gives and d is a discount. Both sides are multiplied, and divided by what they know alike, the
    byte's place in its word.

    Args:
        order: known bytes on a side that count, at most.
    """

    order: int = 6
    _sides: dict[str, list[_Followers]] = field(default_factory=dict, init=False, repr=False)
    _places: _Followers | None = field(default=None, init=False, repr=False)

    def fit(self, texts: Iterable[bytes], words: Callable[[bytes], Spans]) -> Self:
        """Count the bytes of all words; gives itself.

        Args:
            texts: UTF-8.
            words: (start, end) of what may be hidden in a text.
        """
        known: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"left": [], "right": [], "place": []}
        for text in texts:
            values = np.frombuffer(text, np.uint8).astype(np.int16)
            spans = words(text)
            if not spans:
                continue
            places, starts, ends = _bytes_of(spans)
            own = values[places].astype(np.uint8)
            known["place"].append((_keys_of_places(places, starts, ends)[:, None], own))
            for side in ("left", "right"):
                known[side].append((self._contexts(values, places, starts, ends, side), own))
        self._places = _counted(known["place"], 0)
        self._sides = {
            side: [_counted(known[side], length) for length in range(self.order + 1)]
            for side in ("left", "right")
        }
        return self

    @property
    def frequencies(self) -> np.ndarray:
        """How often each byte came in words, float64 [256], of all of them 1."""
        found = np.full(NUM_BYTES, 1e-3)
        if self._places is not None:
            np.add.at(found, self._places.values, self._places.counts)
        return np.asarray(found / found.sum())

    def probabilities(
        self, text: np.ndarray, hidden: Spans, *, discount: float = DISCOUNT, power: float = POWER
    ) -> np.ndarray:
        """Of each byte in the place of each hidden one, float64 [hidden bytes, 256], in the order of the spans.

        Args:
            text: bytes, int16 [length], UNKNOWN where one is hidden.
            hidden: (start, end) of what is hidden.
            discount: weight of the shorter context.
            power: how much both sides count beside the place in the word alone, in [0, 1].
        """
        if not hidden:
            return np.zeros((0, NUM_BYTES))
        assert self._places is not None
        places, starts, ends = _bytes_of(hidden)
        keys = {side: self._contexts(text, places, starts, ends, side) for side in ("left", "right")}
        found = np.zeros((len(places), NUM_BYTES))
        for row, place in enumerate(_keys_of_places(places, starts, ends)):
            base = np.full(NUM_BYTES, 1e-3)
            counted = self._places.behind(place)
            if counted is not None:
                base[counted[0]] += counted[1]
            base /= base.sum()
            left, right = (self._guess(side, keys[side][row], discount) for side in ("left", "right"))
            found[row] = (left * right / base) ** power * base ** (1.0 - power)
        return found / found.sum(axis=1, keepdims=True)

    def _guess(self, side: str, keys: np.ndarray, discount: float) -> np.ndarray:
        """What one side says [256], by keys of its contexts from the shortest to the longest, 0 where there are no more."""
        found = np.full(NUM_BYTES, 1.0 / NUM_BYTES)
        for table, key in zip(self._sides[side], keys, strict=True):
            counted = table.behind(key) if key else None
            if counted is None:
                break
            values, counts = counted
            weight = discount * len(values)
            found *= weight
            found[values] += counts
            found /= counts.sum() + weight
        return found

    def _contexts(
        self, text: np.ndarray, places: np.ndarray, starts: np.ndarray, ends: np.ndarray, side: str
    ) -> np.ndarray:
        """Keys uint64 [places, order + 1]: the place in the word, then the distance and 1, 2, ... known bytes; 0: no more."""
        step: Literal[-1, 1] = -1 if side == "left" else 1
        distances = np.minimum(places - starts if step < 0 else ends - 1 - places, FARTHEST)
        found = np.zeros((len(places), self.order + 1), np.uint64)
        found[:, 0] = _keys_of_places(places, starts, ends)
        at = starts - 1 if step < 0 else ends
        key = _mixed(np.zeros(len(places), np.uint64), distances)
        goes_on = was_known = np.ones(len(places), bool)
        for length in range(1, self.order + 1):
            is_inside = (at >= 0) & (at < len(text))
            value = np.where(is_inside, text[np.clip(at, 0, len(text) - 1)], UNKNOWN)
            is_known = value != UNKNOWN
            # Behind two that nobody knows there is nothing to be learned.
            goes_on = goes_on & (is_known | was_known)
            key, was_known = _mixed(key, value), is_known
            found[:, length] = np.where(goes_on, key, 0)
            at = at + step
        return found


def _bytes_of(spans: Spans) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every byte of the spans, and start and end of the span that it is in, each int64 [bytes]."""
    starts, ends = np.asarray(spans, dtype=np.int64).T
    sizes = ends - starts
    starts, ends = np.repeat(starts, sizes), np.repeat(ends, sizes)
    within = np.arange(len(starts)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return starts + within, starts, ends


def _keys_of_places(places: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many bytes of its word stand before and behind a byte, as a key that is never 0."""
    before, behind = (np.minimum(each, FARTHEST) for each in (places - starts, ends - 1 - places))
    return (1 + before * (FARTHEST + 1) + behind).astype(np.uint64)


def _mixed(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Keys with one more value each, from UNKNOWN on."""
    found = (keys + (values + 2).astype(np.uint64)) * _FACTOR
    return np.asarray(found ^ (found >> np.uint64(29)))


def _counted(parts: Sequence[tuple[np.ndarray, np.ndarray]], length: int) -> _Followers:
    """Contexts of one length [texts x (keys [bytes, lengths], bytes)], counted."""
    if not parts:
        return _Followers.of(np.zeros(0, np.uint64), np.zeros(0, np.uint8))
    keys = np.concatenate([each[:, length] for each, _ in parts])
    values = np.concatenate([own for _, own in parts])
    is_there = keys != 0
    return _Followers.of(keys[is_there], values[is_there])
