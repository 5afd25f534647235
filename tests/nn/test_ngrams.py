"""Hashed n-grams against Python's own whole numbers."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.nn.initialization import initialize_tensors
from perceivers.nn.ngrams import HashedNgrams, ngram_rows


def hash_of(ids: list[int], num_rows: int) -> int:
    """The same hash in whole numbers without bounds."""
    total = 0
    for each in ids:
        total += each + 1
        total = (total ^ (total >> 16)) * 1_327_217_885 % 2_147_483_647
    return total % num_rows


def test_a_row_belongs_to_the_ids_that_end_there_with_zeros_before_the_first() -> None:
    ids = [261, 3, 0, 77, 261]
    rows = ngram_rows(torch.tensor([ids, ids[::-1]]), 3, 97)
    padded = [0, 0, *ids]
    assert rows[0].tolist() == [hash_of(padded[place : place + 3], 97) for place in range(5)]
    padded = [0, 0, *ids[::-1]]
    assert rows[1].tolist() == [hash_of(padded[place : place + 3], 97) for place in range(5)]


def test_long_ngrams_do_not_overflow() -> None:
    ids = list(range(261, 230, -1))
    assert ngram_rows(torch.tensor([ids]), 11, 10_007)[0, -1] == hash_of(ids[-11:], 10_007)


def test_different_ngrams_rarely_share_a_row() -> None:
    first, second = torch.meshgrid(torch.arange(100), torch.arange(100), indexing="ij")
    pairs = torch.stack([first.flatten(), second.flatten()], dim=1)
    counts = ngram_rows(pairs, 2, 10_000)[:, 1].bincount(minlength=10_000)
    # 10,000 balls thrown into 10,000 bins leave 1/e of them empty.
    assert 0.34 < (counts == 0).float().mean() < 0.40


def test_a_vector_is_the_sum_over_sizes() -> None:
    torch.manual_seed(0)
    ngrams = HashedNgrams((2, 5), 13, 3)
    for table in ngrams.tables:
        torch.nn.init.normal_(table.weight)
    ids = torch.tensor([[4, 9, 2], [7, 7, 7]])
    expected = (
        ngrams.tables[0].weight[hash_of([7, 7], 13)] + ngrams.tables[1].weight[hash_of([0, 0, 7, 7, 7], 13)]
    )
    found = ngrams(ids)
    assert found.shape == (2, 3, 3)
    assert torch.allclose(found[1, 2], expected)


def test_ngrams_that_training_never_met_say_nothing() -> None:
    ngrams = HashedNgrams((2, 5), 13, 3)
    initialize_tensors(ngrams, None, 0.02)
    assert torch.equal(ngrams(torch.tensor([[4, 9, 2]])), torch.zeros(1, 3, 3))


@pytest.mark.parametrize(("size", "num_rows"), [(1, 7), (2, 0)])
def test_sizes_without_a_meaning_are_refused(size: int, num_rows: int) -> None:
    with pytest.raises(ShapeError, match=f"received {size} and {num_rows}"):
        ngram_rows(torch.zeros(1, 3, dtype=torch.long), size, num_rows)
