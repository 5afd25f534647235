"""Cells as numbers: what is one, what is missing, and what is a mistake."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from perceivers.data.numbers import looks_like_number
from perceivers.errors import DataError
from perceivers.kinds.number.reading import number_of


@pytest.mark.parametrize(("cell", "expected"), [("3.5", 3.5), (7, 7.0), (" -2e3 ", -2000.0), (True, 1.0)])
def test_numbers_and_texts_of_numbers_are_read(cell: Any, expected: float) -> None:
    assert number_of(cell, "age") == expected


@pytest.mark.parametrize("cell", [None, "", "NA", "nan", "?", "none", float("nan")])
def test_what_stands_for_a_missing_number_is_missing(cell: Any) -> None:
    assert math.isnan(number_of(cell, "age"))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("old", r"in the column 'age': .*'old'.*--column age=category"),
        ("12 kg", r"in the column 'age': expected a number, received '12 kg'; empty the cell"),
        ("0,126", r"in the column 'age': .*--decimal comma"),
    ],
)
def test_what_is_no_number_is_named_with_its_column_and_a_cure(cell: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        number_of(cell, "age")


def test_a_comma_before_the_fraction_is_read_where_it_is_asked_for() -> None:
    assert number_of("1.234,5", "price", "comma") == 1234.5


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("12", True),
        ("-0.5", True),
        ("0", True),
        ("007", False),
        ("1_000", False),
        ("red", False),
        (True, False),
        (np.float32(2.0), True),
        ("0,126", True),
        ("inf", True),
        ("nan", False),
    ],
)
def test_codes_with_leading_zeros_and_truth_values_do_not_look_like_numbers(
    cell: Any, expected: bool
) -> None:
    assert looks_like_number(cell) is expected
