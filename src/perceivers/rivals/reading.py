"""Samples for methods that are to take seconds: evenly drawn, and read until the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from perceivers.errors import DataError

# Samples that simple methods are asked about, and seconds that all reading may take.
MOST_ASKED, MOST_SECONDS = 2_000, 60.0
Read = TypeVar("Read")


def read_evenly(
    samples: Any, read: Callable[[Any], Read], *, most: int = MOST_ASKED, seconds: float = MOST_SECONDS
) -> Iterator[Read]:
    """Read samples in an order that leaves any beginning of them evenly drawn, the same every time.

    Args:
        samples: a part of the data. Of a stream, which has no length, nothing is read.
        read: gives a sample as it is needed; one that raises DataError is left out.
        most: samples that are read, at most.
        seconds: no further sample is read when they have passed since the first; what is done with the samples counts, too.
            One sample is read at least.
    """
    if not hasattr(samples, "__len__"):
        return
    ended, found = time.monotonic() + seconds, 0
    for index in np.random.default_rng(0).permutation(len(samples)).tolist():
        if found == most or (found and time.monotonic() > ended):
            return
        try:
            value = read(samples[index])
        except DataError:
            # The run has stopped at it, or left it out.
            continue
        found += 1
        yield value
