"""Guesses of hidden words from both sides, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.kinds.text.words import byte_spans, word_spans
from perceivers.rivals.both_sides import UNKNOWN, BothSides


def hidden(text: bytes, *spans: tuple[int, int]) -> np.ndarray:
    values = np.frombuffer(text, np.uint8).astype(np.int16)
    for start, end in spans:
        values[start:end] = UNKNOWN
    return values


def test_a_word_of_one_byte_is_guessed_as_a_hand_calculation_says() -> None:
    rival = BothSides(order=1).fit([b"a b a c"], word_spans)
    (found,) = rival.probabilities(hidden(b"a ? a", (2, 3)), [(2, 3)], discount=2.0, power=0.5)
    # Of words of one byte: a twice, b and c once; discount x kinds = 6 shares of what nobody knows.
    alone = {byte: (count + 6 / 256) / (4 + 6) for byte, count in zip(b"abc", (2, 1, 1), strict=True)}
    # Behind a blank: b, a, c. Before one: a, b, a; the last word ends the text.
    left = {byte: (1 + 6 * alone[byte]) / (3 + 6) for byte in b"abc"}
    right = {byte: (count + 4 * alone[byte]) / (3 + 4) for byte, count in zip(b"abc", (2, 1, 0), strict=True)}
    other = 6 / 256 / 10
    base = {byte: (count + 1e-3) / (4 + 0.256) for byte, count in zip(b"abc", (2, 1, 1), strict=True)}
    base_of_others = 1e-3 / (4 + 0.256)
    raw = {byte: (left[byte] * right[byte] / base[byte]) ** 0.5 * base[byte] ** 0.5 for byte in b"abc"}
    raw_of_others = ((6 * other / 9) * (4 * other / 7) / base_of_others) ** 0.5 * base_of_others**0.5
    total = sum(raw.values()) + 253 * raw_of_others
    assert [found[byte] for byte in b"abc"] == pytest.approx([raw[byte] / total for byte in b"abc"])
    assert found[ord("z")] == pytest.approx(raw_of_others / total)


def test_the_same_words_around_bring_the_same_word() -> None:
    rival = BothSides().fit([b"the red fox ran. the red hen sat. a big fox ran."] * 3, word_spans)
    text = b"the big fox ran."
    spans = [(8, 11)]
    found = rival.probabilities(hidden(text, *spans), spans)
    assert bytes(found.argmax(axis=1).astype(np.uint8).tolist()) == b"fox"
    # Where the next word is hidden, too, only its distance is known.
    spans = [(4, 7), (8, 11)]
    assert rival.probabilities(hidden(text, *spans), spans).shape == (6, 256)


def test_what_came_most_is_the_likeliest_where_nothing_else_is_known() -> None:
    rival = BothSides().fit([b"aab", b"  ", b""], byte_spans)
    assert rival.frequencies[ord("a")] == pytest.approx(2.001 / 3.256)
    assert rival.frequencies.sum() == pytest.approx(1.0)
    nothing = BothSides().fit([], word_spans)
    assert nothing.probabilities(hidden(b"x", (0, 1)), [(0, 1)]) == pytest.approx(np.full((1, 256), 1 / 256))
    assert nothing.probabilities(hidden(b"x"), []).shape == (0, 256)


@given(st.binary(min_size=1, max_size=23), st.binary(min_size=1, max_size=23))
def test_chances_sum_to_one(known: bytes, asked: bytes) -> None:
    spans = word_spans(asked)[:2]
    found = BothSides(order=2).fit([known], word_spans).probabilities(hidden(asked, *spans), spans)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))
    assert (found > 0).all()
