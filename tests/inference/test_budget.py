"""How much is computed at a time follows from memory, and from a chunk size where one is given."""

from __future__ import annotations

import torch

from perceivers.inference.budget import CACHED_TILE, Budget, largest_tile, pieces


def test_budgets_bound_rows_by_memory_and_by_chunk():
    budget = Budget(max_memory=2**20)
    assert budget.tile_values == 2**16
    assert budget.rows(2**10) == 2**6
    assert budget.rows(2**20) == 1
    assert budget.rows(2**10, limit=3) == 3
    assert Budget(chunk_size=7).rows(2**10) == 7
    assert Budget(chunk_size=7).smaller(5).chunk_size == 5
    assert Budget(chunk_size=7).smaller(11).chunk_size == 7
    assert Budget().smaller(None) == Budget()
    assert budget.samples(2**14) == 4
    assert budget.samples(2**30) == 1


def test_pieces_cover_a_length():
    assert list(pieces(7, 3)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(pieces(0, 3)) == []


def test_tiles_of_a_gpu_are_bounded_by_memory_alone():
    assert largest_tile(torch.device("cpu")) == CACHED_TILE
    budget = Budget(max_memory=2**28, largest_tile=largest_tile(torch.device("cuda")))
    assert budget.tile_values == 2**24
    assert budget.smaller(7).tile_values == 2**24
