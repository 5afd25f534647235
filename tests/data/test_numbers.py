"""Which cells are numbers, which are missing, and what is said of the others."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest

from perceivers.data.numbers import NotationError, has_decimal_comma, is_missing, number_of, numbers_of
from perceivers.errors import DataError


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("3", 3.0),
        (" -0.5 ", -0.5),
        ("1e-3", 0.001),
        ("007", 7.0),
        (11, 11.0),
        (True, 1.0),
        (np.int64(5), 5.0),
    ],
)
def test_numbers_and_numbers_in_texts_are_numbers(cell: Any, number: float) -> None:
    assert number_of(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        "  ",
        "NA",
        "nan",
        "NULL",
        "None",
        "?",
        "n/a",
        " - ",
        ".",
        "Unknown",
        "#DIV/0!",
        "<NA>",
        "-nan",
        float("nan"),
    ],
)
def test_nothing_and_the_words_for_nothing_are_missing(cell: Any) -> None:
    assert number_of(cell) is None


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("fast", "expected a number, received 'fast'"),
        ("2021_01", "expected a number, received '2021_01'"),
        ("inf", "expected a finite number, received 'inf'"),
        (float("inf"), "expected a finite number, received inf"),
        ([1.0], r"expected a number, received \[1.0\]"),
        (datetime.date(2020, 1, 2), r"expected a number, received datetime.date\(2020, 1, 2\)"),
        (
            "0,126",
            "received '0,126', which looks like a decimal comma: add --decimal comma, or write the number with a point",
        ),
        ("1.234,5", "looks like a decimal comma"),
        ("1,234,567", "received '1,234,567', whose thousands are divided by commas: write it without them"),
        ("1,234.5", "whose thousands are divided by commas"),
        ("1 234 567.5", "whose thousands are divided by spaces: write it without them"),
        ("1\u202f234", "whose thousands are divided by spaces"),
        ("12'345", "whose thousands are divided by apostrophes"),
        (10**400, "expected a finite number, received 10000"),
    ],
)
def test_other_cells_are_refused_by_name(cell: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{message}" if message[0] in "er" else message):
        number_of(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("1e400", math.inf),
        (-math.inf, -math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_infinite_numbers_are_numbers_where_that_is_said(cell: Any, number: float) -> None:
    assert number_of(cell, may_be_infinite=True) == number


@pytest.mark.parametrize("cell", ["0,5", "1.234,5", "1,234.5", "1 234", "1'234.5"])
def test_a_number_that_is_written_otherwise_is_an_error_of_its_own(cell: str) -> None:
    with pytest.raises(NotationError):
        number_of(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0,126", 0.126),
        ("-0,132", -0.132),
        ("1.234,5", 1234.5),
        ("7", 7.0),
        ("1,5e2", 150.0),
        (0.25, 0.25),
        ("", None),
    ],
)
def test_commas_are_decimal_where_that_is_said(cell: Any, number: float | None) -> None:
    assert number_of(cell, "comma") == number


@pytest.mark.parametrize("cell", ["1.5", "1.234"])
def test_a_point_among_decimal_commas_is_refused(cell: str) -> None:
    with pytest.raises(
        DataError, match=f"received '{cell}', a number with a point, although `decimal` is comma"
    ):
        number_of(cell, "comma")


def test_a_column_is_numbers_with_nan_where_one_is_missing() -> None:
    numbers = numbers_of(["1", None, 3, "NA"], "x", str)
    assert numbers.dtype == np.float64
    assert np.array_equal(numbers, [1.0, np.nan, 3.0, np.nan], equal_nan=True)


def test_a_cell_that_is_no_number_is_named_by_row_and_column() -> None:
    with pytest.raises(DataError, match=r"^`row 2`, column 'speed': expected a number, received 'fast'$"):
        numbers_of(["1", "fast"], "speed", lambda index: f"row {index + 1}")


def test_decimal_commas_can_be_asked_for() -> None:
    assert [has_decimal_comma(cell) for cell in ("0,126", ",5", "1.234,5", "1,2,3", "a,b", "12", 0.5)] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip


def test_missing_is_none_empty_or_nan_and_no_word() -> None:
    assert [is_missing(cell) for cell in (None, "", float("nan"), np.float32("nan"), "NA", 0, False, np.zeros((2, 3)))] == [
        True, True, True, True, False, False, False, False,
    ]  # fmt: skip
