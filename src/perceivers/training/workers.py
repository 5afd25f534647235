"""How many processes load samples: none where loading is cheap, since each costs memory and a start."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeVar

import numpy as np

from perceivers.data.draws import Vary, generator_of
from perceivers.data.evenly import spread_indices
from perceivers.data.rows import StreamSamples
from perceivers.errors import PerceiversError, one_line

Batch = TypeVar("Batch")

# Seconds to load a sample from which on processes are worth their start.
CHEAP_SECONDS = 0.002
NUM_TIMED = 3
FEWER_WORKERS = "--workers 0 loads without further processes"


def chosen_workers(
    asked: int | Literal["auto"],
    samples: Any,
    vary: Vary | None = None,
    *,
    clock: Callable[[], float] = time.thread_time,
) -> int:
    """The number of processes that load samples.

    Args:
        asked: a number, which is taken; or "auto": 0 where loading a sample takes less than 2 ms of processor time the second
            time (it may have been kept the first time), where samples are streamed, and where processes cannot be
            forked; else one fewer than the cores that this process may use.
        samples: what is loaded.
        vary: the task's random change of training samples; None for the other parts.
        clock: seconds, for tests.
    """
    if asked != "auto":
        return asked
    spare = num_cores() - 1
    forks = multiprocessing.get_start_method(allow_none=True) in (None, "fork") and hasattr(os, "fork")
    if spare < 1 or not forks or isinstance(samples, StreamSamples) or not len(samples):
        return 0
    return spare if seconds_to_load(samples, vary, clock) >= CHEAP_SECONDS else 0


def seconds_to_load(
    samples: Any, vary: Vary | None = None, clock: Callable[[], float] = time.thread_time
) -> float:
    """Seconds to load one of some samples, evenly spread, for the second time: the median."""
    seconds = []
    for index in spread_indices(len(samples), NUM_TIMED):
        sample = samples[index]
        begin = clock()
        sample = samples[index]
        if vary is not None:
            vary(sample, generator_of(0, index))
        seconds.append(clock() - begin)
    return float(np.median(seconds))


def while_workers_live(batches: Iterable[Batch], cure: str) -> Iterator[Batch]:
    """Give the batches; a process that loads them and ends is an error that says so.

    Args:
        batches: of a loader, whose processes the system may end, as it does where memory runs out.
        cure: what the user can do, for the message.

    Raises:
        PerceiversError: instead of torch's RuntimeError.
    """
    try:
        yield from batches
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise PerceiversError(
            f"a process that loads samples has ended, as it does where memory runs out: {one_line(error)}; {cure}"
        ) from error


def num_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
