"""Windows of text: between lines, else words, else characters; drawn windows stay inside."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.errors import ConfigurationError
from perceivers.kinds.text.windows import moved_window, window_bounds


def pieces(text: bytes, size: int) -> list[bytes]:
    return [text[start:end] for start, end in window_bounds(text, size)]


def test_a_window_ends_with_a_line_where_one_ends_in_its_second_half() -> None:
    assert pieces(b"one two\n  three four", 11) == [b"one two", b"  three", b"four"]


def test_a_window_ends_with_a_word_otherwise() -> None:
    assert pieces(b"alpha beta gamma", 11) == [b"alpha beta", b"gamma"]


def test_a_long_word_is_cut_between_characters() -> None:
    assert pieces("ééé".encode(), 5) == ["éé".encode(), "é".encode()]


def test_white_space_alone_has_no_window() -> None:
    assert window_bounds(b" \n\n ", 5) == []


def test_a_window_shorter_than_a_character_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`max_bytes` must be at least 4, received 3"):
        window_bounds(b"text", 3)


def test_drawn_windows_begin_with_words_and_fit() -> None:
    text = b"one two three four five six seven eight nine ten"
    starts = set()
    for seed in range(40):
        start, end = moved_window(text, 8, 21, 13, np.random.default_rng(seed))
        assert 0 < end - start <= 13
        assert start == 0 or text[start - 1 : start] == b" "
        starts.add(start)
    assert len(starts) > 2
