"""Words, pairs of words and runs of letters as rows of a table: alike everywhere, with values made by hand."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from perceivers.kinds.text.ngrams import (
    plain_letters,
    rows_of_letters,
    rows_of_runs,
    rows_of_words,
    words_of,
)


def by_hand(codes: list[int], num_rows: int) -> int:
    """The formula of the module, in Python's own whole numbers."""
    hashed = len(codes)
    for code in codes:
        hashed = (hashed ^ code) * 0x9E3779B97F4A7C15 % 2**64
        hashed ^= hashed >> 29
    return hashed % num_rows


def test_letters_are_small_and_white_space_is_one_blank() -> None:
    assert plain_letters(b"  The CAT's\n\t2nd_life ") == "the cat's 2nd_life"
    # Case is folded, not only lowered; an accent is the same written in one character or two.
    assert plain_letters("Stra\u00dfe E\u0301t\u00e9".encode()) == "strasse \u00e9t\u00e9"
    assert plain_letters(b" \n ") == ""


def test_words_have_the_marks_between_them_as_words() -> None:
    assert words_of("the cat's 2nd_life, 7!?") == ["the", "cat", "'", "s", "2nd_life", ",", "7", "!", "?"]
    assert words_of("") == []


def test_a_run_s_row_is_the_formula_s() -> None:
    codes = np.array([3, 1114111, 2**32], dtype=np.uint64)
    assert rows_of_runs(codes, 2, 997).tolist() == [
        by_hand([3, 1114111], 997),
        by_hand([1114111, 2**32], 997),
    ]
    assert rows_of_runs(codes, 4, 997).tolist() == []
    # A run of one is not taken for the same code within a longer one.
    assert by_hand([3], 2**60) != by_hand([3, 0], 2**60)


def test_single_words_are_alone_and_longer_runs_have_the_ends_among_them() -> None:
    cat, dot = zlib.crc32(b"cat"), zlib.crc32(b".")
    # zlib's function is the CRC-32 of ISO 3309, whose check value is this one.
    assert zlib.crc32(b"123456789") == 0xCBF43926
    rows = rows_of_words("cat.", (1, 2), 997).tolist()
    begin, end = 2**32, 2**32 + 1
    assert rows == [by_hand(run, 997) for run in ([cat], [dot], [begin, cat], [cat, dot], [dot, end])]
    assert rows_of_words("", (1, 2), 997).tolist() == rows_of_words("cat", (), 997).tolist() == []


def test_runs_of_letters_reach_over_words() -> None:
    rows = rows_of_letters("a ж", (1, 3), 997).tolist()
    letters = [ord(letter) for letter in " a ж "]
    runs = [*([letter] for letter in letters), *(letters[start : start + 3] for start in range(3))]
    assert rows == [by_hand(run, 997) for run in runs]
    assert rows_of_letters("", (1,), 997).dtype == np.int64


def test_rows_do_not_depend_on_the_process() -> None:
    # Python's own hashes, on which nothing may depend, are others in every process that is not told a seed.
    assert rows_of_words("a quiet film", (1, 2), 97).tolist() == [18, 24, 81, 28, 20, 36, 29]


@pytest.mark.parametrize("num_rows", [97, 2**17])
def test_rows_are_spread_evenly(num_rows: int) -> None:
    texts = [f"{first}{second}" for first in "abcdefghij" for second in range(1000)]
    rows = np.concatenate([rows_of_words(text, (1,), num_rows) for text in texts])
    # 10,000 balls into so many urns leave (1 - 1/n)^10000 of them empty.
    expected = num_rows * (1.0 - (1.0 - 1.0 / num_rows) ** len(texts))
    assert len(np.unique(rows)) == pytest.approx(expected, rel=0.02)
