"""Groups of texts of like lengths: what is padded to the longest of its group wastes little."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

# A group holds texts that are at most this much longer than its shortest.
_LONGEST_IN_GROUP = 1.25
_FEW_BYTES = 16


def groups_of_like_lengths(lengths: Sequence[int], most: Callable[[int], int]) -> Iterator[list[int]]:
    """Indices of the texts of each group, the shortest first; every text is in one group.

    Args:
        lengths: of the texts, in bytes.
        most: from the length of a group's longest text to the number of texts that it may hold.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    start = 0
    for stop in range(1, len(order) + 1):
        if stop < len(order):
            longest = lengths[order[stop]]
            too_long = longest > _LONGEST_IN_GROUP * lengths[order[start]] + _FEW_BYTES
            if not too_long and stop - start < most(longest):
                continue
        yield order[start:stop]
        start = stop
