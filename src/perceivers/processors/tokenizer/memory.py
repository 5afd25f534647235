"""Large arrays of integers in memory that earlier ones have left: its pages are there already.

To fill a page that the process has is several times as fast as to ask the system for a new one, the more so on a busy
machine, and the system's allocator gives back the pages of large arrays at once. So the memory of a few large arrays is
kept when the last reference to them is gone, and lent again. An array that anyone still holds, or a view or a tensor of it,
is never touched.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bytes of memory that is kept: less the allocator keeps by itself, more would hold too much.
_SMALLEST = 1 << 18
_LARGEST = 1 << 24
# At most 64 MiB in all. Every operation on it is atomic, so threads may share it; the oldest memory goes first.
_left: deque[NDArray[np.uint8]] = deque(maxlen=4)


class _Lease:
    """What an array in lent memory, and each view of it, refers to: gone when the last of them is gone."""

    def __init__(self, memory: NDArray[np.uint8], length: int, dtype: np.dtype[Any]) -> None:
        self.__array_interface__ = {
            "data": (memory.ctypes.data, False),
            "shape": (length,),
            "typestr": dtype.str,
            "version": 3,
        }
        self._memory = memory
        # Kept here, because at the end of the process the module may be gone first.
        self._give_back = _left.append

    def __del__(self) -> None:
        self._give_back(self._memory)


def empty(length: int, dtype: type[np.integer]) -> NDArray[Any]:
    """[length] whose values are whatever was there before, for the caller alone as long as any reference lives.

    Args:
        length: number of values.
        dtype: their type.
    """
    kind = np.dtype(dtype)
    num_bytes = length * kind.itemsize
    if not _SMALLEST <= num_bytes <= _LARGEST:
        return np.empty(length, dtype=kind)
    return np.asarray(_Lease(_memory_of(num_bytes), length, kind))


def _memory_of(num_bytes: int) -> NDArray[np.uint8]:
    """Memory that was left, if some of it has room and is not more than twice as large; else new memory."""
    for _ in range(len(_left)):
        try:
            memory = _left.popleft()
        except IndexError:
            break
        if num_bytes <= len(memory) <= 2 * num_bytes:
            return memory
        _left.append(memory)
    return np.empty(num_bytes, dtype=np.uint8)
