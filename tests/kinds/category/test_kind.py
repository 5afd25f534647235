"""Categories as a kind: guessed, listed, hidden, told to the model as ids, saved."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions

COLUMNS = ("colour", "town")
TABLE = ListTable([{"colour": "red"}], "made")
VALUES = [
    ("red", "Oslo"),
    ("red", "Bern"),
    ("blue", "Bern"),
    ("blue", None),
    ("blue", "Bern"),
    ("grey", "Rome"),
]


def settled(**options: object) -> CategoryKind:
    return CategoryKind(CategoryOptions(**{"category_rows": 2, **options})).settle(VALUES, COLUMNS)  # type: ignore[arg-type]


def test_short_words_that_come_often_are_guessed_and_sentences_are_not() -> None:
    assert CategoryKind.guess("x", ["red", "blue"] * 7) == 0.7
    assert CategoryKind.guess("x", [f"name {index}" for index in range(50)]) == 0.2
    assert CategoryKind.guess("x", ["this is a sentence of many words"] * 9) == 0.2
    assert CategoryKind.guess("x", [b"bytes"]) == 0.0


def test_a_row_is_all_columns_at_once_and_absent_where_all_are_empty() -> None:
    kind = CategoryKind(CategoryOptions())
    assert kind.read({"colour": " red ", "town": None}, COLUMNS, TABLE) == ("red", None)
    assert kind.read({"colour": "", "town": None}, COLUMNS, TABLE) is None


def test_frequent_categories_come_first_and_rare_ones_are_unknown() -> None:
    kind = settled()
    assert kind.vocabularies == (("blue", "red"), ("Bern",))
    given = kind.tensors([("blue", "Bern"), ("red", "Oslo"), ("grey", None), None])[""]
    # 0 is missing, 1 unknown, from 2 on the known ones.
    assert given.values.tolist() == [[2, 2], [3, 1], [1, 0], [0, 0]]
    assert kind.modalities() == {"": {"type": "category", "cardinalities": [2, 1]}}


def test_categories_are_hidden_while_training_as_often_as_asked_for() -> None:
    kind = settled(category_hidden=0.4)
    rows = [kind.vary(("red",) * 11, np.random.default_rng(seed)) for seed in range(100)]
    assert 0.35 < np.mean([[cell is None for cell in row] for row in rows]) < 0.45
    assert settled().vary(VALUES[0], np.random.default_rng(0)) is VALUES[0]


def test_what_was_listed_is_saved_and_read_again() -> None:
    kind = settled()
    assert CategoryKind(kind.options).with_state(kind.state()) == kind


def test_a_category_needs_a_row() -> None:
    with pytest.raises(ConfigurationError, match="`category_rows` must be at least 1, received 0"):
        CategoryOptions(category_rows=0)
