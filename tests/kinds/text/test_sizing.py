"""How texts of mixed tables are read: n-grams, more words hidden the fewer rows there are."""

from __future__ import annotations

import pytest

from perceivers.kinds.text.sizing import text_options


@pytest.mark.parametrize(
    ("num_rows", "hide", "ngram_rows"),
    [(3, 0.7, 8192), (1_000, 0.7, 8192), (8_000, 0.4, 16_384), (16_000, 0.3, 32_768), (10**9, 0.0, 65_536)],
)
def test_fewer_rows_are_held_back_more(num_rows: int, hide: float, ngram_rows: int) -> None:
    options = text_options(num_rows)
    assert (options.text_reading, options.hide, options.ngram_rows) == ("ngrams", hide, ngram_rows)
