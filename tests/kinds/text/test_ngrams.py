"""Words and runs of letters as rows of a table: alike everywhere, with known values."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib

import numpy as np

from perceivers.kinds.text.ngrams import (
    as_letters,
    known_rows,
    of_letters,
    rows_of_text,
    rows_of_word,
    words_of,
)


def test_words_are_letters_digits_and_underscores_in_small_letters() -> None:
    assert words_of(b"The CAT's 2nd_life, 7!") == ["the", "cat", "s", "2nd_life", "7"]
    # Case is folded, not only lowered; an accent is the same written in one character or two.
    assert words_of("Stra\u00dfe E\u0301t\u00e9".encode()) == ["strasse", "\u00e9t\u00e9"]
    assert words_of(b" ...") == []


def test_a_word_has_its_own_row_and_those_of_its_runs() -> None:
    runs = ["<ab", "ab>", "<ab>"]
    expected = [zlib.crc32(b"ab") % 97, *(97 + zlib.crc32(run.encode()) % 97 for run in runs)]
    assert list(rows_of_word("ab", 97)) == expected
    # zlib's function is the CRC-32 of ISO 3309, whose check value is this one.
    assert zlib.crc32(b"123456789") == 0xCBF43926
    # Runs are of letters, not of bytes: <ж> has three.
    assert len(rows_of_word("ж", 97)) == 2


def test_a_text_has_the_rows_of_its_words_as_often_as_they_come() -> None:
    once = rows_of_text(b"cat", 97).tolist()
    assert rows_of_text(b"Cat, cat!", 97).tolist() == once * 2
    # <cat> has five letters: one word, three runs of 3, two of 4, one of 5.
    assert len(once) == 7
    assert rows_of_text(b"", 97).dtype == np.int64


def test_rows_do_not_depend_on_the_process() -> None:
    program = "from perceivers.kinds.text.ngrams import rows_of_text; print(rows_of_text(b'a quiet film', 97).sum())"
    # Python's own hashes, on which nothing may depend, are others there than here.
    received = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert received == f"{rows_of_text(b'a quiet film', 97).sum()}\n"


def test_rows_count_once_a_text() -> None:
    known = known_rows([b"cat cat", b"dog", b"a cat"], 997, 2)
    assert known[rows_of_text(b"cat", 997)].all()
    assert not known[rows_of_word("dog", 997)[0]]
    assert known_rows([b"cat cat"], 997, 2).sum() == 0
    assert len(known) == 2 * 997


def test_truth_values_are_written_whole() -> None:
    known = np.random.default_rng(0).random(1994) < 0.3
    letters = as_letters(known)
    assert letters.isascii()
    assert np.array_equal(of_letters(letters, 1994), known)
