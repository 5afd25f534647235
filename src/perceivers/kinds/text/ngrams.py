"""Texts as the rows of a table that their words, pairs of words and runs of letters fall into, alike on every machine.

A text is brought to Unicode's NFKC form and to small letters (`str.casefold`). Its words are runs of letters, digits and
underscores, and each other mark by itself; runs of two words and more also have the text's beginning and end among them.
Its letters are all characters, white space as one blank, with a blank at both ends, so that a run may reach from one word
into the next. A run of codes c_1 ... c_n (of a word the CRC-32 of its UTF-8, of a letter its number in Unicode) falls into
the row

    h_0 = n,  h_i = (h_(i-1) xor c_i) * 0x9E3779B97F4A7C15 modulo 2^64, folded by h xor (h >> 29);  row = h_n modulo num_rows.

Runs that share a row are taken for one.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perceivers.kinds.text.batches import Ids

Codes = NDArray[np.uint64]

_WORD = re.compile(r"\w+|[^\w\s]")
# No CRC-32 is as large.
_BEGIN, _END = 2**32, 2**32 + 1
# 2^64 divided by the golden ratio: neighbours are thrown far apart (Knuth, volume 3, section 6.4).
_FACTOR, _FOLD = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


def plain_letters(text: bytes) -> str:
    """A UTF-8 text in small letters, each white space one blank, none at its ends."""
    return " ".join(unicodedata.normalize("NFKC", text.decode("utf-8")).casefold().split())


def words_of(letters: str) -> list[str]:
    """The words, and the single marks between them, of what `plain_letters` gave, in order."""
    return _WORD.findall(letters)


def rows_of_words(letters: str, sizes: Sequence[int], num_rows: int) -> Ids:
    """Rows of all runs of words, int64 in [0, num_rows), each as often as it comes.

    Args:
        letters: what `plain_letters` gave.
        sizes: words of a run.
        num_rows: of the table.
    """
    codes = [zlib.crc32(word.encode("utf-8")) for word in words_of(letters)]
    if not codes:
        return np.zeros(0, dtype=np.int64)
    alone, bounded = (np.array(each, dtype=np.uint64) for each in (codes, [_BEGIN, *codes, _END]))
    return _rows([(alone if size == 1 else bounded, size) for size in sizes], num_rows)


def rows_of_letters(letters: str, sizes: Sequence[int], num_rows: int) -> Ids:
    """Rows of all runs of letters, int64 in [0, num_rows), each as often as it comes.

    Args:
        letters: what `plain_letters` gave.
        sizes: letters of a run.
        num_rows: of the table.
    """
    if not letters:
        return np.zeros(0, dtype=np.int64)
    codes = np.array([ord(letter) for letter in f" {letters} "], dtype=np.uint64)
    return _rows([(codes, size) for size in sizes], num_rows)


def rows_of_runs(codes: Codes, size: int, num_rows: int) -> Ids:
    """Row of every run of `size` codes, int64; none where there are fewer codes."""
    count = max(len(codes) - size + 1, 0)
    hashed = np.full(count, size, dtype=np.uint64)
    for start in range(size):
        hashed = (hashed ^ codes[start : start + count]) * _FACTOR
        hashed ^= hashed >> _FOLD
    return (hashed % np.uint64(num_rows)).astype(np.int64)


def _rows(runs: Sequence[tuple[Codes, int]], num_rows: int) -> Ids:
    if not runs:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([rows_of_runs(codes, size, num_rows) for codes, size in runs])
