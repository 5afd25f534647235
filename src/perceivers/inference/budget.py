"""How much is computed at a time: tiles that fit into a processor's cache, and into the memory that is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from perceivers.errors import ConfigurationError

DEFAULT_MEMORY = 256 * 2**20
LEAST_MEMORY = 2**20
_MOST_MEMORY = 4 * 2**30
# Values of one tile. Larger ones leave the cache of the processors measured, smaller ones pay more for each call.
CACHED_TILE = 2**20
# A GPU computes small tiles faster than they can be asked for one after the other: there, memory alone bounds them.
_ANY_TILE = 2**40
_BYTES = 4
# A tile of logits and what is made of it exist at the same time.
_ARRAYS_A_TILE = 4


@dataclass(frozen=True)
class Budget:
    """Working memory, and the sizes that follow from it.

    Attributes:
        max_memory: bytes of working memory, beside weights, inputs and outputs.
        chunk_size: tokens, or outputs, at a time; None for as many as fit.
        largest_tile: values of one tile at most, see `largest_tile`.
    """

    max_memory: int = DEFAULT_MEMORY
    chunk_size: int | None = None
    largest_tile: int = CACHED_TILE

    def __post_init__(self) -> None:
        for name, smallest in (("max_memory", LEAST_MEMORY), ("chunk_size", 1)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < smallest):
                raise ConfigurationError(
                    f"`{name}` must be a whole number of at least {smallest}, received {value!r}"
                )

    @property
    def tile_values(self) -> int:
        """Values of one tile."""
        return min(self.largest_tile, self.max_memory // (_BYTES * _ARRAYS_A_TILE))

    def rows(self, values_a_row: int, limit: int | None = None) -> int:
        """Rows of a tile whose rows have so many values; at most `limit`, where given, and `chunk_size`."""
        fitting = max(1, self.tile_values // max(values_a_row, 1))
        return min(each for each in (fitting, self.chunk_size, limit) if each is not None)

    def samples(self, values_a_sample: int) -> int:
        """Samples whose sums may be kept at the same time: a quarter of the memory."""
        return max(1, self.max_memory // (4 * _BYTES * max(values_a_sample, 1)))

    def shared_by(self, threads: int) -> Budget:
        """What each of so many threads may use at the same time."""
        return replace(self, max_memory=max(self.max_memory // threads, LEAST_MEMORY))

    def smaller(self, chunk_size: int | None) -> Budget:
        """The same, with chunks of at most `chunk_size`."""
        sizes = [each for each in (self.chunk_size, chunk_size) if each is not None]
        return replace(self, chunk_size=min(sizes)) if sizes else self


def usual_memory(device: torch.device) -> int:
    """Bytes of working memory where nobody says how many: on a GPU a sixteenth of what it has, at most 4 GiB."""
    if device.type != "cuda":
        return DEFAULT_MEMORY
    share = torch.cuda.get_device_properties(device).total_memory // 16
    return max(DEFAULT_MEMORY, min(share, _MOST_MEMORY))


def largest_tile(device: torch.device) -> int:
    """Values of one tile that a device computes fast: what its cache holds, or any number."""
    return CACHED_TILE if device.type == "cpu" else _ANY_TILE


def pieces(length: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size`."""
    return (slice(start, min(start + size, length)) for start in range(0, length, size))
