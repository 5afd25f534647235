"""Concatenations split into what was concatenated; chunks cover every row once; dropping padding changes nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.attention import as_attention_mask, attend
from perceivers.nn.packing import drop_padding, pad_channels, require_names, restructure, row_ranges

names = st.text(st.characters(codec="utf-8"), max_size=5)


@given(sizes=st.dictionaries(names, st.integers(0, 11), min_size=1, max_size=5))
def test_a_concatenation_in_sorted_order_splits_into_its_parts(sizes):
    parts = {name: torch.randn(2, size, 3) for name, size in sizes.items()}
    joined = torch.cat([parts[name] for name in sorted(parts)], dim=1)
    received = restructure(sizes, joined)
    assert list(received) == sorted(sizes)
    for name, part in parts.items():
        assert torch.equal(received[name], part)


def test_sizes_that_do_not_add_up_are_an_error():
    with pytest.raises(
        ShapeError, match=r"`modality_sizes` \{'a': 3, 'b': 5\} must add up .* received \[2, 7, 11\]"
    ):
        restructure({"a": 3, "b": 5}, torch.zeros(2, 7, 11))


@given(num_rows=st.integers(0, 200), chunk_size=st.none() | st.integers(1, 250))
def test_chunks_cover_every_row_once_and_in_order(num_rows, chunk_size):
    chunks = list(row_ranges(num_rows, chunk_size))
    assert [row for chunk in chunks for row in range(num_rows)[chunk]] == list(range(num_rows))
    sizes = [chunk.stop - chunk.start for chunk in chunks]
    if chunk_size is None:
        assert sizes == [num_rows]
    else:
        assert all(size <= chunk_size for size in sizes)
        assert all(size == chunk_size for size in sizes[:-1])


@pytest.mark.parametrize("chunk_size", [0, -3])
def test_a_chunk_of_no_rows_is_an_error(chunk_size):
    with pytest.raises(ShapeError, match=f"`chunk_size` must be at least 1, received {chunk_size}"):
        list(row_ranges(7, chunk_size))


masks = st.integers(1, 4).flatmap(
    lambda batch: st.integers(1, 9).flatmap(
        lambda length: st.lists(
            st.lists(st.booleans(), min_size=length, max_size=length), min_size=batch, max_size=batch
        )
    )
)


@given(rows=masks, zero_masked_rows=st.booleans())
def test_attention_without_the_padding_equals_attention_with_it(rows, zero_masked_rows):
    mask = torch.tensor(rows)
    tokens = torch.randn(*mask.shape, 6, dtype=torch.float64)
    query = torch.randn(mask.shape[0], 3, 6, dtype=torch.float64)
    shorter, left = drop_padding(tokens, mask)

    def look(at, hidden):
        options = {"num_heads": 2, "mask": as_attention_mask(hidden), "zero_masked_rows": zero_masked_rows}
        return attend(query, at, at, **options)[0]

    torch.testing.assert_close(look(shorter, left), look(tokens, mask))


@given(rows=masks)
def test_nothing_that_any_sample_looks_at_is_dropped_and_nothing_else_is_kept_at_the_end(rows):
    mask = torch.tensor(rows)
    tokens = torch.randn(*mask.shape, 2)
    shorter, left = drop_padding(tokens, mask)
    length = shorter.shape[1]
    assert torch.equal(shorter, tokens[:, :length])
    if all(any(row) for row in rows):
        assert length == 1 + max(index for row in rows for index, seen in enumerate(row) if seen)
        visible = mask[:, :length]
        assert (left is None) == bool(visible.all())
        assert left is None or torch.equal(left, visible)
    else:
        assert length == mask.shape[1]
        assert torch.equal(left, mask)


def test_a_batch_padded_at_the_end_loses_the_padding_that_all_share():
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]).bool()
    shorter, left = drop_padding(torch.zeros(2, 5, 7), mask)
    assert shorter.shape == (2, 3, 7)
    assert left.tolist() == [[True, True, False], [True, True, True]]


def test_the_padding_vector_is_appended_to_every_token_in_its_dtype():
    tokens = torch.randn(2, 3, 5, dtype=torch.bfloat16)
    padding = torch.tensor([[7.0, -11.0]])
    padded = pad_channels(tokens, padding)
    assert padded.dtype == torch.bfloat16
    assert torch.equal(padded[..., :5], tokens)
    assert padded[..., 5:].reshape(-1, 2).tolist() == [[7.0, -11.0]] * 6


@pytest.mark.parametrize("name", ["", "a.b", "keys", "type", "training"])
def test_names_that_containers_of_modules_need_themselves_are_refused(name):
    with pytest.raises(ConfigurationError, match="`modalities` must have names without a dot"):
        require_names("modalities", ["camera", name])


def test_other_names_are_accepted():
    require_names("modalities", ["camera", "left microphone", "2"])
