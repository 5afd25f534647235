"""One of several classes: what cannot be classes."""

from __future__ import annotations

import pytest

from perceivers.answers.one_class import OneClass
from perceivers.errors import DataError


def test_a_value_of_its_own_in_every_row_is_no_class() -> None:
    with pytest.raises(
        DataError, match=r"in the column 'photo', received a value of its own in each of 53 rows"
    ):
        OneClass("photo").settle([f"{index}.png" for index in range(53)], "t.csv")


def test_few_rows_may_each_have_a_class_of_their_own() -> None:
    assert OneClass("pet").settle(["dog", "cat", "bird"], "t.csv").names == ("bird", "cat", "dog")
    letters = [chr(ord("a") + index) for index in range(23)]
    assert OneClass("spoken").settle(letters, "t.csv").names == tuple(letters)
