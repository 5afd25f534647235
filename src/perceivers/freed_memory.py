"""Memory that was freed goes back to the system where the C library keeps it, and stays where it is wanted again."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# Options of glibc's mallopt, and its own first and last threshold: DEFAULT_MMAP_THRESHOLD_MIN and _MAX in malloc.c.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LEAST_MAPPED, _MOST_IN_HEAP = 128 * 2**10, 32 * 2**20
# The largest number that the option takes.
_MOST_KEPT = 2**31 - 1


def give_back_freed_memory() -> None:
    """Ask glibc to return what it holds for later allocations; nothing happens with another C library.

    Folding a model frees its matrices one by one, between those that stay: such holes fit nothing that comes later, and would
    make up half of what the process holds.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@contextmanager
def blocks_of_their_own() -> Iterator[None]:
    """Have glibc give each large block that is allocated inside a mapping of its own, which goes back whole.

    What stays of a folded model would otherwise lie in the heap between holes, and whatever runs later touches one hole after
    the other. Afterwards large blocks are kept for reuse, as glibc comes to do by itself: mapping each of them anew costs a
    sixth of the time. Both hold for the whole process, and change nothing but where blocks lie.
    """
    option = _option()
    if option is None:
        yield
        return
    option(_MMAP_THRESHOLD, _LEAST_MAPPED)
    try:
        yield
    finally:
        option(_MMAP_THRESHOLD, _MOST_IN_HEAP)
        option(_TRIM_THRESHOLD, 2 * _MOST_IN_HEAP)


@contextmanager
def freed_blocks_kept() -> Iterator[None]:
    """Have glibc keep what is freed inside for what comes next, and give it back afterwards.

    Each training step frees what the last one had, and asks for the same again. Otherwise the end of the heap goes back to
    the system in between, which has to clear its pages anew. Blocks of more than 32 MiB have mappings of their own, as
    always. This holds for the whole process.
    """
    option = _option()
    if option is None:
        yield
        return
    option(_MMAP_THRESHOLD, _MOST_IN_HEAP)
    option(_TRIM_THRESHOLD, _MOST_KEPT)
    try:
        yield
    finally:
        option(_TRIM_THRESHOLD, 2 * _MOST_IN_HEAP)
        give_back_freed_memory()


@cache
def _trim() -> Any:
    return _of_the_c_library("malloc_trim")


@cache
def _option() -> Any:
    return _of_the_c_library("mallopt")


def _of_the_c_library(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
