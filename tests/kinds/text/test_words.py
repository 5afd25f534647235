"""Which words are hidden: whole ones, the asked share of them, at least one."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.text.words import byte_spans, bytes_of, draw_spans, word_spans


def test_words_are_what_white_space_divides() -> None:
    assert word_spans(b" an, apple\n\tx") == [(1, 4), (5, 10), (12, 13)]
    assert bytes_of([(1, 3), (5, 6)]) == [1, 2, 5]


def test_bytes_of_words_are_single_spans_and_white_space_is_none() -> None:
    assert byte_spans(b" an, x\n") == [(1, 2), (2, 3), (3, 4), (5, 6)]


def test_the_asked_share_of_words_is_drawn_on_average() -> None:
    spans = word_spans(b"a b c d e f g")
    generator = np.random.default_rng(0)
    counts = [len(draw_spans(spans, 0.3, generator)) for _ in range(500)]
    assert set(counts) == {2, 3}
    # 0.3 of 7 words is 2.1.
    assert abs(np.mean(counts) - 2.1) < 0.05


def test_of_any_words_one_is_drawn() -> None:
    assert draw_spans([(0, 2)], 0.15, np.random.default_rng(0)) == [(0, 2)]
    assert draw_spans([], 0.15, np.random.default_rng(0)) == []
