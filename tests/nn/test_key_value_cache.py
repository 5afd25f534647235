"""Windows keep the last entries in order, in bounded memory."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.nn.key_value_cache import KeyValueCache, MaskCache, Window


def test_a_window_gives_the_last_entries_in_order():
    entries = torch.arange(2 * 50 * 3.0).reshape(2, 50, 3)
    window = Window(7)
    window.append(entries[:, :5])
    addresses = set()
    for at in range(5, 50):
        received = window.append(entries[:, at : at + 1])
        assert torch.equal(received, entries[:, max(at + 1 - 7, 0) : at + 1])
        addresses.add(received.untyped_storage().data_ptr())
    assert len(addresses) == 1
    assert received.untyped_storage().nbytes() == 2 * (7 + 3) * 3 * 4


def test_several_entries_are_added_only_where_none_has_to_go():
    window = Window(7)
    assert window.append(torch.zeros(1, 7, 2)).shape == (1, 7, 2)
    with pytest.raises(
        ShapeError, match="`inputs` must be at most 0 more where 7 of 7 entries are kept, or one at"
    ):
        window.append(torch.zeros(1, 2, 2))
    with pytest.raises(ShapeError, match="`inputs` must be at most 7 more where 0 of 7 entries"):
        Window(7).append(torch.zeros(1, 8, 2))


def test_keys_and_values_go_together():
    cache = KeyValueCache(3)
    for step in range(5):
        keys, values = cache.extend(torch.full((1, 1, 2), step), torch.full((1, 1, 4), -step))
    assert keys[0, :, 0].tolist() == [2, 3, 4]
    assert values[0, :, 0].tolist() == [-2, -3, -4]
    assert len(cache) == 3


def test_a_mask_is_kept_only_where_something_does_not_count():
    cache = MaskCache(3)
    assert cache.extend(None, 2, 1, torch.device("cpu")) is None
    received = cache.extend(torch.tensor([[False]]), 1, 1, torch.device("cpu"))
    assert received.tolist() == [[True, True, False]]
    assert cache.extend(None, 1, 1, torch.device("cpu")).tolist() == [[True, False, True]]
