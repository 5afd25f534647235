"""Probabilities of n-grams by hand."""

from __future__ import annotations

import math

import pytest

from perceivers.errors import ConfigurationError
from perceivers.rivals.ngrams import Ngrams


def test_probabilities_are_those_of_a_hand_calculation() -> None:
    model = Ngrams(1).fit([b"abab", b"ac"])
    # a came 3 times, b 2, c 1: 6 in all, 3 kinds.
    without = {byte: (count + 3 / 256) / 9 for byte, count in zip(b"abc", (3, 2, 1), strict=True)}
    assert model.probability(b"", ord("b")) == pytest.approx(without[ord("b")])
    # Behind a: b twice and c once, 2 kinds.
    assert model.probability(b"xa", ord("c")) == pytest.approx((1 + 2 * without[ord("c")]) / 5)
    # Behind z nothing was seen.
    assert model.probability(b"z", ord("b")) == model.probability(b"", ord("b"))
    assert model.probability(b"a", ord("c"), order=0) == without[ord("c")]


def test_whole_numbers_are_counted_alike() -> None:
    model = Ngrams(1, num_values=5).fit([(300, 301, 300)])
    assert model.probability((300,), 301) == pytest.approx((1 + 1 * (1 + 2 / 5) / 5) / 2)


@pytest.mark.parametrize("context", [b"", b"a", b"ab", b"q"])
def test_probabilities_sum_to_one(context) -> None:
    model = Ngrams(2).fit([b"abracadabra"])
    assert sum(model.probability(context, byte) for byte in range(256)) == pytest.approx(1.0)


def test_bits_are_those_of_each_byte_behind_what_it_has() -> None:
    model = Ngrams(2).fit([b"abracadabra"])
    expected = [model.probability(b"abra"[max(at - 2, 0) : at], byte) for at, byte in enumerate(b"abra")]
    assert model.bits_per_token([b"abra"]) == pytest.approx(-sum(map(math.log2, expected)) / 4)
    with pytest.raises(ConfigurationError, match="`order` must be at least 0, received -1"):
        Ngrams(-1)
