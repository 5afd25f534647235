"""Weights of n-grams: by hand and as scikit-learn has them; what is known, and how it is written."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from perceivers.kinds.text.ngram_weights import NgramWeights


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@pytest.fixture
def known() -> NgramWeights:
    """Row 1 is in three texts, row 4 in two, row 5 in one."""
    return NgramWeights.of_texts([rows(1, 1, 4), rows(4, 1), rows(1, 5, 5)], num_rows=7, fewest=2, most=7)


def test_rows_are_counted_once_a_text(known: NgramWeights) -> None:
    assert known.counts.tolist() == [0, 3, 0, 0, 2, 0, 0]
    assert (known.num_texts, known.num_known) == (3, 2)


def test_known_rows_have_places_and_weights_of_length_one(known: NgramWeights) -> None:
    places, weights = known.weighted(rows(4, 5, 1, 0, 4, 4))
    # Row 5 is in too few texts; ln(4/4) + 1 = 1 of row 1, once; ln(4/3) + 1 of row 4, three times.
    plain = [1.0, (1.0 + math.log(3)) * (math.log(4 / 3) + 1.0)]
    assert places.tolist() == [0, 1]
    assert weights.tolist() == pytest.approx([each / math.hypot(*plain) for each in plain])
    nothing = known.weighted(rows(5, 0))
    assert [each.tolist() for each in nothing] == [[], []]


def test_weights_are_scikit_learn_s() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["b b d", "d b", "b e e", "c"]
    numbers = {"b": 1, "c": 2, "d": 4, "e": 5}
    by_row = [rows(*(numbers[word] for word in text.split())) for text in texts]
    own = NgramWeights.of_texts(by_row, num_rows=7, fewest=1, most=7)
    theirs = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w").fit_transform(texts).toarray()
    for text, expected in zip(by_row, theirs, strict=True):
        places, weights = own.weighted(text)
        assert weights.tolist() == pytest.approx(expected[places].tolist())


def test_what_is_known_is_written_whole(known: NgramWeights) -> None:
    state = json.loads(json.dumps(known.state()))
    again = NgramWeights.of_state(state)
    assert (again.num_texts, again.counts.tolist()) == (known.num_texts, known.counts.tolist())
    assert again.weighted(rows(4, 1))[1].tolist() == known.weighted(rows(4, 1))[1].tolist()


def test_the_most_frequent_rows_are_kept_where_there_are_too_many() -> None:
    texts = [rows(1, 4, 5), rows(1, 4), rows(1, 6), rows(6)]
    assert NgramWeights.of_texts(texts, 7, fewest=1, most=4).counts.tolist() == [0, 3, 0, 0, 2, 1, 2]
    assert NgramWeights.of_texts(texts, 7, fewest=1, most=3).counts.tolist() == [0, 3, 0, 0, 2, 0, 2]
    # Two are as frequent: neither is kept where there is room for one.
    assert NgramWeights.of_texts(texts, 7, fewest=1, most=2).counts.tolist() == [0, 3, 0, 0, 0, 0, 0]
