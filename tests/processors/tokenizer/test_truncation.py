"""Which ids go where there are too many: the definition, one id after the other."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pytest

from perceivers.errors import ConfigurationError
from perceivers.processors.tokenizer.truncation import kept_lengths, overflow, truncation_strategy


def one_by_one(first: int, second: int, excess: int) -> tuple[int, int]:
    for _ in range(excess):
        if first > second:
            first -= 1
        elif second:
            second -= 1
    return first, second


@pytest.mark.parametrize("first", range(6))
def test_each_id_is_taken_from_the_longer_text(first: int) -> None:
    for second in range(6):
        for excess in range(13):
            assert kept_lengths(first, second, excess, "longest_first") == one_by_one(first, second, excess)
        assert kept_lengths(first, None, second, "longest_first") == (max(first - second, 0), None)


def test_one_text_alone_is_cut_and_never_below_nothing() -> None:
    assert kept_lengths(5, 3, 4, "only_first") == (1, 3)
    assert kept_lengths(5, 3, 6, "only_first") == (0, 3)
    assert kept_lengths(5, 3, 2, "only_second") == (5, 1)
    assert kept_lengths(5, 3, 4, "only_second") == (5, 0)
    assert kept_lengths(5, None, 4, "only_second") == (5, None)
    assert kept_lengths(5, 3, 4, "do_not_truncate") == (5, 3)
    assert kept_lengths(5, 3, 0, "only_first") == (5, 3)


def test_what_was_cut_off_comes_with_its_neighbours() -> None:
    ids = np.arange(7)
    assert overflow(ids, 2, 1, "right").tolist() == [4, 5, 6]
    assert overflow(ids, 2, 1, "left").tolist() == [0, 1, 2]
    assert overflow(ids, 5, 4, "left").tolist() == overflow(ids, 5, 4, "right").tolist() == ids.tolist()


def test_a_strategy_may_be_a_member_of_an_enumeration() -> None:
    class Strategy(Enum):
        FIRST = "only_first"

    assert truncation_strategy(Strategy.FIRST) == "only_first"
    with pytest.raises(ConfigurationError, match="`truncation` must be True, False or one of"):
        truncation_strategy("first")
