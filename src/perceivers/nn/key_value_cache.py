"""Keys and values that are kept from call to call, so that a sequence that grows is not computed anew."""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.errors import ShapeError


class Window:
    """The last `capacity` entries of a sequence that grows, in order, in one piece of memory.

    Entries that are given away leave room behind them, which is used again when the memory is full: an entry is moved once
    in about `capacity / 2` additions.

    Args:
        capacity: entries that are kept.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held: Tensor | None = None
        self._end = 0

    def __len__(self) -> int:
        """Entries that are there."""
        return min(self._end, self.capacity)

    def append(self, new: Tensor) -> Tensor:
        """Add entries [batch, count, ...]; all that are there now, [batch, at most `capacity`, ...].

        Raises:
            ShapeError: several are added at once and some of those before would have to go.
        """
        count = new.shape[1]
        if count > 1 and len(self) + count > self.capacity:
            raise ShapeError(
                f"`inputs` must be at most {self.capacity - len(self)} more where {len(self)} of {self.capacity} entries are "
                f"kept, or one at a time, received {count}"
            )
        if self._held is None:
            # A sequence that never fills its room costs no more than that.
            self._held = new.new_empty(
                (new.shape[0], self.capacity + max(self.capacity // 2, 1), *new.shape[2:])
            )
        if self._end + count > self._held.shape[1]:
            kept = self.capacity
            self._held[:, :kept] = self._held[:, self._end - kept : self._end].clone()
            self._end = kept
        self._held[:, self._end : self._end + count] = new
        self._end += count
        return self._held[:, max(self._end - self.capacity, 0) : self._end]


class KeyValueCache:
    """Keys and values of one attention.

    Args:
        capacity: entries that are kept; older ones are given away.
    """

    def __init__(self, capacity: int) -> None:
        self._keys, self._values = Window(capacity), Window(capacity)

    def __len__(self) -> int:
        """Entries that are there."""
        return len(self._keys)

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values [batch, count, channels]; all that are kept now, the new ones last."""
        return self._keys.append(key), self._values.append(value)


class MaskCache:
    """Which of the entries of some caches count, where not all of them do.

    Args:
        capacity: of those caches.
    """

    def __init__(self, capacity: int) -> None:
        self._window = Window(capacity)
        self._all_count = True

    def extend(self, mask: Tensor | None, count: int, batch: int, device: torch.device) -> Tensor | None:
        """Add `mask` [batch, count], or `count` entries that all count; which of all count now, None where all do."""
        self._all_count = self._all_count and mask is None
        new = torch.ones(batch, count, dtype=torch.bool, device=device) if mask is None else mask
        kept = self._window.append(new)
        return None if self._all_count else kept
