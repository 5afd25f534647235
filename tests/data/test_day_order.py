"""Dates whose day and month stand in an order that other cells tell."""

from __future__ import annotations

from datetime import datetime

import pytest

from perceivers.data.day_order import DayOrder, date_in_order, day_order, may_be_two_dates, why_no_order


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("3/5/2024", "month first", datetime(2024, 3, 5)),
        ("3/5/2024", "day first", datetime(2024, 5, 3)),
        (" 03-05-2024 ", "day first", datetime(2024, 5, 3)),
        ("3/31/2024 18:30", "month first", datetime(2024, 3, 31, 18, 30)),
        ("3/31/2024, 6:30:07 PM", "month first", datetime(2024, 3, 31, 18, 30, 7)),
        ("3/31/2024 12:05 am", "month first", datetime(2024, 3, 31, 0, 5)),
        ("3/31/2024", "day first", None),
        ("3/5/2024", "", None),
        ("3/5-2024", "month first", None),
        ("3/5/24", "month first", None),
        ("3/5/2024 13:00 PM", "month first", None),
        ("3/5/2024 25:00", "month first", None),
        ("2/30/2024", "month first", None),
    ],
)
def test_a_date_is_read_in_the_order_that_is_said(
    text: str, order: DayOrder, expected: datetime | None
) -> None:
    assert date_in_order(text, order) == expected


def test_the_order_is_that_of_cells_that_are_a_date_in_one_order_alone() -> None:
    assert day_order(["3/4/2024", None, 7, "1/13/2024", "soon"]) == "month first"
    assert day_order(["3/4/2024", "13/1/2024"]) == "day first"
    assert day_order(["3/4/2024", "1/12/2024"]) == ""
    assert day_order(["1/13/2024", "13/1/2024"]) == ""
    # Of two digits, any may be the year.
    assert day_order(["1/13/24"]) == ""
    assert day_order(["2024-01-13", "13.1.2024"]) == ""


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["3/4/2024", "1/13/2024"], ""),
        (["2024-01-13", "soon"], ""),
        ([], ""),
        (["a long text", "3/4/2024"], ""),
        (
            ["3/4/2024", "5/6/2024"],
            "no cell tells whether day or month comes first in dates such as '3/4/2024': write dates as 2024-03-31",
        ),
        (
            ["3/4/2024", "1/13/2024", "13/1/2024"],
            "'1/13/2024' is a date with its month first, and '13/1/2024' with its day: write dates as 2024-03-31",
        ),
        (["1/13/24", "2/14/24"], "the year of '1/13/24' has two digits: write dates as 2024-03-31"),
    ],
)
def test_dates_without_an_order_say_why_and_what_to_do(cells: list[str], expected: str) -> None:
    assert why_no_order(cells) == expected


@pytest.mark.parametrize(
    ("cell", "expected"), [("3/4/2024", True), ("3-4-24 5:00", True), ("soon", False), (3, False)]
)
def test_what_may_be_two_dates_is_known_by_its_form(cell: object, expected: bool) -> None:
    assert may_be_two_dates(cell) is expected
