"""Texts as the rows of a table that their words and runs of letters fall into, alike on every machine.

A text is brought to Unicode's NFKC form and to small letters (`str.casefold`). Its words are runs of letters, digits and
underscores. A word w gives

    crc32(UTF-8 of w) modulo num_rows,

and each run r of 3, 4 or 5 letters of <w>, the marks of its ends included, gives

    num_rows + crc32(UTF-8 of r) modulo num_rows.

Words, and runs of letters, that share a row are taken for one. Source of the runs: fastText (Bojanowski and others 2017).
"""

from __future__ import annotations

import base64
import re
import unicodedata
import zlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perceivers.kinds.text.batches import Ids

RUNS = (3, 4, 5)
_WORD = re.compile(r"\w+")


def words_of(text: bytes) -> list[str]:
    """The words of a UTF-8 text, in small letters, in order."""
    return _WORD.findall(unicodedata.normalize("NFKC", text.decode("utf-8")).casefold())


# Words come again and again: in the text, in other texts, and in every pass.
@lru_cache(maxsize=100_000)
def rows_of_word(word: str, num_rows: int) -> tuple[int, ...]:
    """Rows of a word and of its runs of letters, in [0, 2 x num_rows)."""
    marked = f"<{word}>"
    runs = (marked[start : start + size] for size in RUNS for start in range(len(marked) - size + 1))
    return (_hashed(word, num_rows), *(num_rows + _hashed(run, num_rows) for run in runs))


def rows_of_text(text: bytes, num_rows: int) -> Ids:
    """Rows of all words and runs of letters of a UTF-8 text, int64, each as often as it comes."""
    return np.array([row for word in words_of(text) for row in rows_of_word(word, num_rows)], dtype=np.int64)


def known_rows(texts: Iterable[bytes], num_rows: int, fewest: int) -> NDArray[np.bool_]:
    """Bool [2 x num_rows]: rows that at least `fewest` of the texts fall into."""
    counts = np.zeros(2 * num_rows, dtype=np.int64)
    for text in texts:
        counts[np.unique(rows_of_text(text, num_rows))] += 1
    return counts >= fewest


def as_letters(known: NDArray[np.bool_]) -> str:
    """Truth values, eight in a byte, as letters that JSON can have (base64)."""
    return base64.b64encode(np.packbits(known).tobytes()).decode("ascii")


def of_letters(letters: str, count: int) -> NDArray[np.bool_]:
    """The `count` truth values that `as_letters` wrote."""
    packed = np.frombuffer(base64.b64decode(letters), dtype=np.uint8)
    return np.unpackbits(packed, count=count).astype(bool)


def _hashed(text: str, num_rows: int) -> int:
    return zlib.crc32(text.encode("utf-8")) % num_rows
