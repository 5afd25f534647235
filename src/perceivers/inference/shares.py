"""Tiles on several threads, each with a share of its own: no thread waits for another one before the end.

Within an operation, torch's threads wait for each other; many small operations are as many waits, and on a machine that
other programs use each may last as long as these have their turn (2^16 inputs took 3.5 s on two threads, 1.0 s on one). Here
every thread runs its tiles' operations alone. Shares are consecutive and of fixed sizes: results do not depend on chance.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

from perceivers.inference.budget import LEAST_MEMORY, Budget

Item = TypeVar("Item")
Result = TypeVar("Result")


def threads_for(device: torch.device, budget: Budget) -> int:
    """Into how many shares work may be divided: one but on a processor, and as many as memory has room for."""
    if device.type != "cpu":
        return 1
    return max(1, min(torch.get_num_threads(), budget.max_memory // LEAST_MEMORY))


def in_shares(work: Callable[[Sequence[Item]], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """What `work` gives for consecutive shares of the items, in their order; one share where threads are more than items.

    Args:
        work: called with a share, in a thread where operations are not divided further.
        items: at least one.
        threads: how many shares at most.
    """
    if threads == 1 or len(items) < threads:
        return [work(items)]
    bounds = [len(items) * number // threads for number in range(threads + 1)]
    shares = [items[first:last] for first, last in itertools.pairwise(bounds)]
    frozen, before = torch.is_inference_mode_enabled(), torch.get_num_threads()
    is_changed = threading.Event()

    def alone(share: Sequence[Item]) -> Result:
        if torch.get_num_threads() != 1:
            is_changed.set()
            torch.set_num_threads(1)
        with torch.inference_mode(frozen), torch.no_grad():
            return work(share)

    try:
        return list(_pool(os.getpid(), threads).map(alone, shares))
    finally:
        if is_changed.is_set():
            # The number holds for a thread, and for threads that are still to come.
            torch.set_num_threads(before)


@cache
def _pool(_process: int, threads: int) -> ThreadPoolExecutor:
    """The threads of this process: a forked one has none of its parent's."""
    return ThreadPoolExecutor(threads, thread_name_prefix="perceivers")
