"""Memory that was freed goes back to the system, where the C library keeps it otherwise."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back_freed_memory() -> None:
    """Ask glibc to return what it holds for later allocations; nothing happens with another C library.

    Folding a model frees its matrices one by one, between those that stay: such holes fit nothing that comes later, and would
    make up half of what the process holds.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
