"""Lengths that Fourier transforms are quick at: products of primes up to 17.

One of a length with a large prime in it takes several times as long as that of its quick neighbour.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FACTORS = (2, 3, 5, 7, 11, 13, 17)
# How much longer than it has to be the first of two lengths may be: a quarter, or so many samples of short ones.
MOST_LONGER, MOST_LONGER_SAMPLES = 1 / 4, 4_096


def quick_pair(at_least: int, ratio: float, samples: int) -> tuple[int, int]:
    """Two quick lengths whose ratio is nearly the wanted one.

    Args:
        at_least: of the first length.
        ratio: of the second to the first, above 0.
        samples: so many samples of the first are to be off by half a sample at most as samples of the second.

    Returns:
        The first length and the second: the shortest that keep this; where none do, those with the nearest ratio, which for
        5,000 samples and more is off by about a ten-thousandth at most.
    """
    most = at_least + max(round(at_least * MOST_LONGER), MOST_LONGER_SAMPLES)
    known = quick_lengths(2 ** (2 * round(most * max(ratio, 1.0)) + 2).bit_length())
    first = known[np.searchsorted(known, at_least) : np.searchsorted(known, most, side="right")]
    wanted = first * ratio
    above = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    below = above - 1
    second = np.where(wanted - known[below] < known[above] - wanted, known[below], known[above])
    error = np.abs(second / wanted - 1.0) * samples * ratio
    best = int(np.argmax(error <= 0.5) if error.min() <= 0.5 else np.argmin(error))
    return int(first[best]), int(second[best])


@lru_cache(maxsize=8)
def quick_lengths(limit: int) -> NDArray[np.int64]:
    """All products of the factors up to `limit`, growing; shared by all callers, and not to be changed."""
    found = np.ones(1, dtype=np.int64)
    for factor in FACTORS:
        powers = [found]
        while len(powers[-1]):
            longer = powers[-1] * factor
            powers.append(longer[longer <= limit])
        found = np.concatenate(powers)
    return np.sort(found)
