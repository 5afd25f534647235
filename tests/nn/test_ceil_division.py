"""Rounded up, whatever the numbers; files for any size are in tests/export/test_graph.py."""

from __future__ import annotations

import pytest

from perceivers.nn.ceil_division import ceil_division


@pytest.mark.parametrize(("number", "expected"), [(0, 0), (1, 1), (4, 1), (5, 1), (6, 2), (10, 2), (11, 3)])
def test_what_is_left_over_counts_as_one_more(number: int, expected: int) -> None:
    assert ceil_division(number, 5) == expected
