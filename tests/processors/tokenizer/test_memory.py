"""Memory is lent again only when nothing refers to it any more, and is the borrower's alone until then."""

from __future__ import annotations

import gc
import pickle
import resource
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from perceivers.processors.tokenizer import PerceiverTokenizer, memory

# 256 KiB of int64, the smallest that is kept.
LENGTH = 1 << 15


@pytest.fixture(autouse=True)
def nothing_left():
    """Start without memory of other tests."""
    memory._left.clear()


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_that_was_given_back_is_lent_again():
    first = memory.empty(LENGTH + 3, np.int64)
    where = address(first)
    del first
    second = memory.empty(LENGTH, np.int64)
    assert address(second) == where
    assert second.shape == (LENGTH,)
    assert second.dtype == np.int64
    assert second.flags.writeable
    assert second.flags.c_contiguous


@pytest.mark.parametrize(
    "hold",
    [
        lambda array: array,
        lambda array: array[5:],
        lambda array: array.reshape(2, -1)[1, ::2],
        lambda array: torch.from_numpy(array).view(2, -1)[0],
        lambda array: memoryview(array),
        lambda array: array.view(np.uint8)[:3],
    ],
)
def test_an_array_that_anyone_holds_is_never_touched(hold):
    array = memory.empty(LENGTH, np.int64)
    array[:] = 7
    held = hold(array)
    before = np.asarray(held).copy()
    del array
    gc.collect(1)
    assert not memory._left
    others = [memory.empty(LENGTH, np.int64) for _ in range(3)]
    for other in others:
        other[:] = 11
    assert np.array_equal(np.asarray(held), before)
    del held
    gc.collect(1)
    assert len(memory._left) == 1


def test_memory_is_lent_for_values_of_another_type():
    wide = memory.empty(LENGTH + 1, np.int64)
    where = address(wide)
    del wide
    narrow = memory.empty(8 * LENGTH + 3, np.uint8)
    assert address(narrow) == where
    assert narrow.dtype == np.uint8
    assert narrow.shape == (8 * LENGTH + 3,)


def test_memory_of_another_size_is_not_lent():
    small = memory.empty(LENGTH, np.int64)
    where = address(small)
    del small
    large = memory.empty(LENGTH + 1, np.int64)
    assert address(large) != where
    del large
    assert sorted(map(len, memory._left)) == [8 * LENGTH, 8 * (LENGTH + 1)]
    much = memory.empty(3 * LENGTH, np.int64)
    assert len(memory._left) == 2
    del much
    assert [len(left) for left in memory._left][-1] == 8 * 3 * LENGTH
    assert len(memory.empty(LENGTH, np.int64)) == LENGTH


def test_little_and_very_large_memory_is_not_kept_and_never_more_than_four_blocks():
    for length in (0, LENGTH - 1, (1 << 21) + 1):
        array = memory.empty(length, np.int64)
        assert array.shape == (length,)
        del array
    assert not memory._left
    arrays = [memory.empty(LENGTH + place, np.int64) for place in range(6)]
    del arrays
    assert len(memory._left) == 4


def test_a_result_never_changes_after_later_calls():
    tokenizer = PerceiverTokenizer(model_max_length=None)
    texts = [chr(97 + place) * (LENGTH + 13 * place) for place in range(5)]
    kept = [tokenizer(text, return_tensors="np") for text in texts]
    for text in reversed(texts):
        tokenizer(text * 2, return_tensors="pt")
    for place, (text, encoding) in enumerate(zip(texts, kept, strict=True)):
        assert encoding.input_ids.shape == encoding.attention_mask.shape == (1, len(text) + 2)
        assert np.unique(encoding.input_ids[0, 1:-1]).tolist() == [97 + place + 6]
        assert encoding.attention_mask.all()
    first = kept[0]
    first.input_ids[:] = 0
    assert first.attention_mask.all()
    assert np.array_equal(pickle.loads(pickle.dumps(kept[1].input_ids)), kept[1].input_ids)


def test_threads_do_not_share_what_they_were_given():
    tokenizer = PerceiverTokenizer(model_max_length=None)

    def encode(place: int) -> bool:
        expected = 97 + place % 23 + 6
        for _ in range(3):
            ids = tokenizer(chr(97 + place % 23) * LENGTH, return_tensors="np")["input_ids"]
            if not (ids[0, 1:-1] == expected).all():
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(encode, range(24)))


def test_a_second_call_asks_the_system_for_almost_no_pages():
    tokenizer = PerceiverTokenizer(model_max_length=None)
    text = "seven bytes of text, " * 20_000

    def new_pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        tokenizer(text, return_tensors="np")
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    for _ in range(3):
        new_pages()
    # The result alone has 2 x 3.4 MB, or 1,640 pages of 4 KiB.
    assert min(new_pages() for _ in range(3)) < 500
