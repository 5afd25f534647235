"""Samples for methods that are to take seconds: which are read, in which order, and when it ends."""

from __future__ import annotations

import pytest

from perceivers.errors import DataError
from perceivers.rivals import reading
from perceivers.rivals.reading import read_evenly


def test_all_are_read_once_in_a_mixed_order_that_is_always_the_same() -> None:
    numbers = list(range(17))
    found = list(read_evenly(numbers, float))
    assert sorted(found) == [float(number) for number in numbers]
    assert found != sorted(found)
    assert found == list(read_evenly(numbers, float))


def test_some_are_the_beginning_of_all() -> None:
    numbers = list(range(17))
    assert list(read_evenly(numbers, int, most=5)) == list(read_evenly(numbers, int))[:5]
    assert list(read_evenly(numbers, int, most=0)) == []


def test_when_the_time_is_up_no_further_one_is_read_but_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(reading.time, "monotonic", lambda: now[0])

    def read_slowly(number: int) -> int:
        now[0] += 3.0
        return number

    # Read at 0, 3 and 6 seconds; at 9 it is too late.
    assert len(list(read_evenly(list(range(17)), read_slowly, seconds=7.0))) == 3
    assert len(list(read_evenly(list(range(17)), read_slowly, seconds=0.0))) == 1


def test_what_cannot_be_read_is_left_out_and_takes_the_place_of_none() -> None:
    def read(number: int) -> int:
        if number % 2:
            raise DataError("odd")
        return number

    assert sorted(read_evenly(list(range(11)), read)) == [0, 2, 4, 6, 8, 10]
    assert len(list(read_evenly(list(range(11)), read, most=6))) == 6


def test_of_a_stream_and_of_nothing_nothing_is_read() -> None:
    assert list(read_evenly(iter([2, 3]), int)) == []
    assert list(read_evenly((), int)) == []
