"""perceivers.data.durations, and the forms that durations are written in; seconds are worked out by hand."""

from __future__ import annotations

import math
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.data.duration_forms import form_of, takes_numbers, written
from perceivers.data.durations import seconds_of

SECONDS = {
    "1:02": 62.0,
    "01:29:53": 5393.0,
    "2:09:37": 7777.0,
    "0:45.3": 45.3,
    "-0:45,3": -45.3,
    "130:00:00": 468_000.0,
    "12:30 h": 45_000.0,
    "12:30 min": 750.0,
    "1 days 02:03:04": 93_784.0,
    "-1 days +22:57:57": -3723.0,
    "1 day, 2:03:04.5": 93_784.5,
    "PT1H29M53S": 5393.0,
    "-PT0.5S": -0.5,
    "P-1DT23H57M48.5S": -131.5,
    "PT-2M-11.5S": -131.5,
    "-PT-0.5S": 0.5,
    "P1W2DT4H": 792_000.0,
    "2h 50m": 10_200.0,
    "1 d 4 h": 100_800.0,
    "1 hour, 3 minutes": 3780.0,
    "12.5 sec": 12.5,
    "90 min": 5400.0,
}


@pytest.mark.parametrize("text", SECONDS)
def test_a_text_is_so_many_seconds(text: str) -> None:
    assert seconds_of(f" {text} ") == pytest.approx(SECONDS[text], abs=1e-9)


@pytest.mark.parametrize(
    "cell",
    [
        "16:9",
        "1:60",
        "1:02:03:04",
        "00:1B:44",
        "",
        "P",
        "PT",
        "P1Y",
        "1:2:3",
        "h",
        "5 kg",
        "7",
        7.0,
        None,
        b"1:02",
    ],
)
def test_what_is_no_duration_is_none(cell: object) -> None:
    assert seconds_of(cell) is None


def test_times_of_python_are_durations() -> None:
    assert seconds_of(timedelta(days=-1, seconds=5)) == -86_395.0
    assert seconds_of(time(1, 2, 3, 500_000)) == 3723.5


FORMS = {
    "00:00:00": ["01:29:53", "12:00:00", "02:00:00"],
    "0:00:00": ["1:29:53", "2:09:37"],
    "0:00.0": ["0:45.3", "1:02.0", "59.8"],
    "[0:]0:00": ["59:30", "1:02:10", "9:05"],
    "[0:]00:00": ["59:30", "1:02:10", "09:05"],
    "0:00 h": ["12:30 h", "7:05 h"],
    "0 days 00:00:00": ["1 days 02:03:04", "-1 days +22:57:57"],
    "0 days, 0:00:00": ["1 day, 2:03:04", "2 days, 2:03:04"],
    "PT0.00S": ["PT1H2.25S", "PT3M"],
    "0h 0m": ["2h 50m", "19h", "5m", "1h 5m"],
    "0 min": ["90 min", "101 min"],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_column_has_a_form(form: str) -> None:
    assert form_of(FORMS[form]) == form


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["1", "2"],
        ["5m", "7m"],
        ["9", "9:30"],
        ["18:30", "18:30:15"],
        ["1:02", "tall"],
    ],
)
def test_a_column_that_may_be_something_else_has_none(cells: list[str]) -> None:
    assert form_of(cells) == ""


def test_a_few_cells_may_be_something_else_and_a_few_durations_among_numbers_are_faults() -> None:
    assert form_of([*["1:02"] * 49, "tall"], mostly=0.98) == "0:00"
    assert form_of([*["1:02"] * 48, "tall"], mostly=0.98) == ""
    assert form_of([*["12.5"] * 49, "1:02.5"], mostly=0.98) == ""


def test_times_of_pandas_have_its_form_with_the_decimals_that_they_need() -> None:
    assert form_of([timedelta(seconds=61.5), timedelta(days=2)]) == "0 days 00:00:00.0"
    assert form_of([time(1, 2, 3)]) == "00:00:00"


@pytest.mark.parametrize(
    ("seconds", "form", "text"),
    [
        (5393.4, "00:00:00", "01:29:53"),
        (-45.26, "0:00.0", "-0:45.3"),
        (-0.01, "0:00.0", "0:00.0"),
        (59.0, "[0:]00:00", "00:59"),
        (3599.6, "[0:]00:00", "1:00:00"),
        (4520.0, "0:00", "75:20"),
        (5400.0, "0:00 h", "1:30 h"),
        (-3723.0, "0 days 00:00:00", "-1 days +22:57:57"),
        (93_784.5, "0 days, 0:00:00.0", "1 day, 2:03:04.5"),
        (3723.0, "0 days, 0:00:00", "1:02:03"),
        (5393.25, "PT0.00S", "PT1H29M53.25S"),
        (0.0, "PT0S", "PT0S"),
        (10_215.0, "0h 0m", "2h 50m"),
        (-5400.0, "0 min", "-90 min"),
        (math.inf, "0:00", "inf"),
    ],
)
def test_seconds_are_written_in_a_form(seconds: float, form: str, text: str) -> None:
    assert written(seconds, form) == text


def test_numbers_alone_are_seconds_beside_fractions_of_them() -> None:
    assert takes_numbers("0:00.0")
    assert not takes_numbers("0:00:00")


@given(st.sampled_from([*FORMS, "0 d 0 h 0 m 0 s"]), st.integers(-(10**9), 10**9))
def test_what_is_written_is_read_again(form: str, seconds: int) -> None:
    last = 3600 if form.endswith("h") and ":" not in form else 60 if form.endswith(("h", "m", "min")) else 1
    again = seconds_of(written(seconds, form))
    assert again is not None
    assert abs(again - seconds) <= last / 2


@given(st.text(alphabet="0123456789:.,+- PTDHMSdhmin", max_size=24))
def test_any_text_is_a_finite_duration_or_none(text: str) -> None:
    seconds = seconds_of(text)
    assert seconds is None or math.isfinite(seconds)
    if seconds is not None and (form := form_of([text])):
        again = seconds_of(written(seconds, form))
        assert again is not None
        assert again == pytest.approx(
            seconds, rel=1e-6, abs=0.51 if "." not in text and "," not in text else 60
        )
