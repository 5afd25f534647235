"""Dates as a kind: their forms, their parts as numbers, gaps."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from perceivers.data.numbers import NotationError
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.date.kind import DateKind
from perceivers.kinds.date.options import DateOptions
from perceivers.kinds.date.reading import date_of, looks_like_date, parts_of

TABLE = ListTable([{"when": "2024-03-31"}], "made")


@pytest.mark.parametrize(
    ("cell", "hour"),
    [
        ("2024-03-31", 0.0),
        ("2024-03-31 18:30", 18.5),
        ("2024-03-31T18:30:00", 18.5),
        ("2024/03/31", 0.0),
        ("31.03.2024", 0.0),
        ("31.03.2024 06:15", 6.25),
        (date(2024, 3, 31), 0.0),
        (datetime(2024, 3, 31, 18, 30), 18.5),
    ],
)
def test_every_form_is_the_same_sunday(cell: Any, hour: float) -> None:
    year, month, day, weekday, own_hour, elapsed = parts_of(date_of(cell, "when"))
    # 31 March 2024 was a Sunday, 8856 days after 1 January 2000: 24 years with 6 leap days, and 90 days.
    assert (year, month, day, weekday, own_hour) == (2024.0, 3.0, 31.0, 6.0, hour)
    assert elapsed == pytest.approx(24 * 365 + 6 + 90 + hour / 24)


@pytest.mark.parametrize("cell", ["03/04/2024", "2024-13-01", "soon", "2024", 20240331, "99.99.2024"])
def test_what_is_doubtful_or_no_date_is_refused_with_a_form_that_is_understood(cell: Any) -> None:
    assert not looks_like_date(cell)
    with pytest.raises(DataError, match=r"in the column 'when', where a date such as 2024-03-31"):
        date_of(cell, "when")


@pytest.mark.parametrize(
    ("cell", "is_one"), [("03/04/2024", True), ("3-4-24", True), ("30.02.2024", False), ("soon", False)]
)
def test_what_may_be_two_dates_is_an_error_of_its_own(cell: str, is_one: bool) -> None:
    with pytest.raises(DataError) as raised:
        date_of(cell, "when")
    assert isinstance(raised.value, NotationError) is is_one


@pytest.mark.parametrize("cell", ["", " ", None, "NA", "-", "0000-00-00", "0000-00-00 00:00:00"])
def test_words_for_nothing_and_days_of_zeros_are_missing(cell: Any) -> None:
    assert DateKind(DateOptions()).plain(cell, "when", TABLE) is None
    assert DateKind.guess("when", ["2024-03-31", *filter(None, [cell])]) == 0.95


def test_columns_of_dates_are_guessed() -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 29)]
    assert DateKind.guess("when", days) == 0.95
    assert DateKind.guess("when", [*days, "soon", "later"]) == 0.0


def test_several_columns_are_six_numbers_each_and_a_gap_is_missing() -> None:
    kind = DateKind(DateOptions())
    read = kind.read({"from": "2024-03-31", "until": ""}, ("from", "until"), TABLE)
    assert read is not None
    assert read.shape == (12,)
    assert read[:3].tolist() == [2024.0, 3.0, 31.0]
    assert np.isnan(read[6:]).all()
    assert kind.read({"from": None, "until": None}, ("from", "until"), TABLE) is None


def test_a_saved_kind_says_of_how_many_columns_it_is() -> None:
    assert DateKind(DateOptions()).columns_learned is None
    learned = DateKind(DateOptions()).settle([np.arange(12.0), np.arange(12.0) + 5.0], ["born", "sold"])
    assert DateKind(DateOptions()).with_state(learned.state()).columns_learned == 2


def test_the_order_of_a_column_is_found_kept_and_told() -> None:
    rows = [
        {"us": us, "eu": eu, "iso": "2024-03-05"}
        for us, eu in (("3/5/2024", "5/3/2024"), ("1/13/2024", "13-1-2024"))
    ]
    table, columns = ListTable(rows, "made"), ("us", "eu", "iso")
    for column in columns:
        assert DateKind.guess(column, [row[column] for row in rows]) == 0.95
    kind = DateKind(DateOptions()).survey(table, columns)
    assert [kind.column_note(column) for column in columns] == [
        "dates with the month first, as in 3/31/2024",
        "dates with the day first, as in 31/3/2024",
        "",
    ]
    values = [kind.read(row, columns, table) for row in rows]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0].reshape(3, 6).tolist() == [parts_of(date_of("2024-03-05", "when"))] * 3
    learned = kind.settle([value for value in values if value is not None], columns)
    again = DateKind(DateOptions()).with_state(json.loads(json.dumps(learned.state())))
    assert again.forms == {"us": "month first", "eu": "day first", "iso": ""}
    assert again.plain("12/1/2024", "us", table) == datetime(2024, 12, 1, tzinfo=UTC)
    assert again.plain("12/1/2024", "eu", table) == datetime(2024, 1, 12, tzinfo=UTC)
    with pytest.raises(
        NotationError, match="where a date with its day first such as 31/3/2024, or a date such as 2024-03-31"
    ):
        again.plain("1/13/2024", "eu", table)
    # Records of columns without such dates are as they were.
    iso = DateKind(DateOptions()).survey(table, ("iso",)).settle([values[0][12:], values[1][12:]], ("iso",))
    assert set(iso.state()) == {"quantiles", "edges"}


@pytest.mark.parametrize(
    "cells", [["3/4/2024", "5/6/2024"], ["1/13/2024", "13/1/2024"], ["1/13/24", "2/14/24"]]
)
def test_a_column_asked_for_as_dates_without_an_order_is_an_error_with_its_cure(cells: list[str]) -> None:
    assert DateKind.guess("when", cells) == 0.0
    table = ListTable([{"when": cell} for cell in cells], "made")
    with pytest.raises(
        DataError,
        match=r"`made`, column 'when': .*: write dates as 2024-03-31, .*or name .* --column when=text",
    ):
        DateKind(DateOptions()).survey(table, ("when",))


def test_the_order_that_was_said_counts_where_the_cells_do_not_tell() -> None:
    rows = [{"us": "1/13/2024", "either": "3/4/2024", "iso": "2024-03-05"}]
    table = ListTable(rows, "made")
    for said, day in (
        ("month-first", datetime(2024, 3, 4, tzinfo=UTC)),
        ("day-first", datetime(2024, 4, 3, tzinfo=UTC)),
    ):
        kind = DateKind(DateOptions(day_order=said)).survey(table, ("us", "either", "iso"))
        assert kind.forms == {"us": "month first", "either": said.replace("-", " "), "iso": ""}
        assert kind.plain("3/4/2024", "either", table) == day
        assert kind.plain("3/4/2024", "us", table) == datetime(2024, 3, 4, tzinfo=UTC)
    mixed = ListTable([{"when": "1/13/2024"}, {"when": "13/1/2024"}], "made")
    kind = DateKind(DateOptions(day_order="day-first")).survey(mixed, ("when",))
    with pytest.raises(NotationError, match="a date with its day first"):
        kind.plain("1/13/2024", "when", mixed)
    with pytest.raises(DataError, match="has two digits: write dates as 2024-03-31, or name another kind"):
        kind.survey(ListTable([{"short": "1/13/24"}], "made"), ("short",))
    with pytest.raises(
        DataError, match=r"say --column-options when:day-order=month-first or when:day-order=day-first, or"
    ):
        DateKind(DateOptions()).survey(mixed, ("when",))
    with pytest.raises(
        ConfigurationError, match="`day_order` must be one of auto, month-first, day-first, received 'us'"
    ):
        DateOptions(day_order="us")  # type: ignore[arg-type]
