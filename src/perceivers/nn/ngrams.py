"""What stands before an id: learned vectors of n-grams, which share a table of limited size by their hash."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from perceivers.errors import ShapeError
from perceivers.nn.initialization import start_at_zero

# Hashes by multiplication modulo a prime below 2^31, so that products of two of them fit into 63 bits.
_PRIME = 2_147_483_647
# 2^31 divided by the golden ratio: neighbours are thrown far apart.
_BASE = 1_327_217_885


def ngram_rows(ids: Tensor, size: int, num_rows: int) -> Tensor:
    """Which row of a table stands for the n-gram that ends at each id.

    Args:
        ids: whole numbers [batch, length], at least 0. Before the first id stand zeros.
        size: ids of an n-gram, 2 or more.
        num_rows: of the table. Different n-grams may have the same row; equal ones always do.

    Returns:
        int64 [batch, length], in [0, num_rows).
    """
    if size < 2 or num_rows < 1:
        raise ShapeError(
            f"`size` must be at least 2 and `num_rows` at least 1, received {size} and {num_rows}"
        )
    length = ids.shape[1]
    before = torch.nn.functional.pad(ids.long(), (size - 1, 0))
    hashed = torch.zeros_like(before[:, :length])
    for start in range(size):
        # One more than the id: zeros in front would otherwise not count.
        hashed = hashed + before[:, start : start + length] + 1
        # Folding the upper half onto the lower one keeps ids that are near each other from falling into a grid.
        hashed = (hashed ^ (hashed >> 16)) * _BASE % _PRIME
    return hashed % num_rows


class HashedNgrams(nn.Module):
    """The sum of the vectors of the n-grams that end at each id, n-grams of several sizes (CANINE, BLT).

    Trained from scratch, the vectors start at zero: n-grams that training never met then say nothing.

    Args:
        sizes: of the n-grams, in ids; each has a table of its own.
        num_rows: of each table.
        num_channels: of a vector.
    """

    def __init__(self, sizes: Sequence[int], num_rows: int, num_channels: int) -> None:
        super().__init__()
        self.sizes, self.num_rows = tuple(sizes), num_rows
        self.tables = nn.ModuleList(nn.Embedding(num_rows, num_channels) for _ in self.sizes)
        for table in self.tables:
            start_at_zero(table)

    def forward(self, ids: Tensor) -> Tensor:
        """Whole numbers [batch, length] to [batch, length, num_channels]."""
        vectors = [
            table(ngram_rows(ids, size, self.num_rows))
            for size, table in zip(self.sizes, self.tables, strict=True)
        ]
        return torch.stack(vectors).sum(dim=0)
