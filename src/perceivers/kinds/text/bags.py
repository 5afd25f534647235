"""Texts as bags of n-grams: ids of a text's words and of its runs of letters, each with a weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from perceivers.kinds.text.batches import Ids
from perceivers.kinds.text.ngram_weights import NgramWeights
from perceivers.kinds.text.ngrams import plain_letters
from perceivers.modalities.ids import NOTHING, NUM_RESERVED, UNKNOWN, WEIGHT_UNIT

#: Ids, and whole weights, of the n-grams of a text.
Bag = tuple[Ids, Ids]


def bags_of(text: bytes | None, known: Sequence[tuple[NgramWeights, Callable[[str], Ids]]]) -> list[Bag]:
    """A bag for each sort of n-gram; empty ones where there is no text.

    Args:
        text: UTF-8.
        known: of each sort, which n-grams the model knows, and what gives the rows of a text's plain letters.
    """
    if text is None:
        return [(np.zeros(0, dtype=np.int64),) * 2] * len(known)
    letters = plain_letters(text)
    bags, first = [], NUM_RESERVED
    for of_sort, rows_of in known:
        places, weights = of_sort.weighted(rows_of(letters))
        # A text of which nothing is known is something else than no text.
        ids, weights = (first + places, weights) if len(places) else (np.array([UNKNOWN]), np.ones(1))
        bags.append((ids, np.rint(weights * WEIGHT_UNIT).astype(np.int64)))
        first += of_sort.num_known
    return bags


def stacked_bags(bags: Sequence[Bag]) -> Ids:
    """Ids and weights [num_bags, most of a bag, 2], smaller bags filled up with nothing; see `bag_of_ngrams`."""
    held = np.zeros((len(bags), max(1, *(len(ids) for ids, _ in bags)), 2), dtype=np.int64)
    held[..., 0] = NOTHING
    for index, (ids, weights) in enumerate(bags):
        held[index, : len(ids), 0], held[index, : len(ids), 1] = ids, weights
    return held


def ngrams_in(stacked: Ids) -> tuple[Ids, NDArray[np.float32]]:
    """Ids of the n-grams of all bags of a value [num_bags, most of a bag, 2], and their weights."""
    found = stacked.reshape(-1, 2)
    is_there = found[:, 0] != NOTHING
    return found[is_there, 0], (found[is_there, 1] / WEIGHT_UNIT).astype(np.float32)
