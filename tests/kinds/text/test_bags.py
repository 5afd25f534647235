"""Bags of n-grams: ids from the first free one on, whole weights, and what stands for nothing and for nothing known."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.text.bags import bags_of, ngrams_in, stacked_bags
from perceivers.kinds.text.ngram_weights import NgramWeights
from perceivers.modalities.ids import NOTHING, NUM_RESERVED, UNKNOWN, WEIGHT_UNIT

# Rows 1 and 4 are known of one sort, row 2 of the other; a text's letters are the digits of its rows.
FIRST = NgramWeights(3, np.array([0, 2, 0, 0, 2], np.int32))
SECOND = NgramWeights(3, np.array([0, 0, 1], np.int32))


def rows_of(letters: str) -> np.ndarray:
    return np.array([int(letter) for letter in letters if letter.isdigit() and int(letter) < 5])


def small_rows_of(letters: str) -> np.ndarray:
    return rows_of(letters)[rows_of(letters) < 3]


KNOWN = ((FIRST, rows_of), (SECOND, small_rows_of))


def test_each_sort_has_ids_behind_those_of_the_sort_before() -> None:
    first, second = bags_of(b"4 1 2", KNOWN)
    # Both are as rare and as often there: the squares of their weights sum to 1.
    half = round(2**-0.5 * WEIGHT_UNIT)
    assert [each.tolist() for each in first] == [[NUM_RESERVED, NUM_RESERVED + 1], [half, half]]
    assert [each.tolist() for each in second] == [[NUM_RESERVED + 2], [WEIGHT_UNIT]]


def test_a_text_without_known_ngrams_is_something_else_than_no_text() -> None:
    first, second = bags_of(b"3", KNOWN)
    assert [each.tolist() for each in first] == [[UNKNOWN], [WEIGHT_UNIT]]
    assert [each.tolist() for each in second] == [[UNKNOWN], [WEIGHT_UNIT]]
    assert [len(ids) for ids, _ in bags_of(None, KNOWN)] == [0, 0]


def test_stacked_bags_have_nothing_behind_the_smaller_ones_which_is_left_out_again() -> None:
    stacked = stacked_bags([*bags_of(b"1 4", KNOWN), *bags_of(None, KNOWN)])
    assert stacked.shape == (4, 2, 2)
    assert stacked[:, :, 0].tolist() == [
        [NUM_RESERVED, NUM_RESERVED + 1],
        [UNKNOWN, NOTHING],
        [NOTHING, NOTHING],
        [NOTHING, NOTHING],
    ]
    ids, weights = ngrams_in(stacked)
    assert ids.tolist() == [NUM_RESERVED, NUM_RESERVED + 1, UNKNOWN]
    np.testing.assert_allclose(weights, [2**-0.5, 2**-0.5, 1.0], atol=1 / WEIGHT_UNIT)
    assert weights.dtype == np.float32
