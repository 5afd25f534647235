"""First lines that are names, and first lines that are data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.columns import is_nameless
from perceivers.data.headers import distinct_names, is_a_row, looks_like_data

IRIS = [["4.9", "3.0", "1.4", "0.2", "setosa"], ["4.7", "3.2", "1.3", "0.2", "setosa"]]


@pytest.mark.parametrize(
    ("header", "first"),
    [
        (["5.1", "3.5", "1.4", "0.2", "setosa"], IRIS),
        (["a good film", "1"], [["a bad film", "0"], ["another", "1"]]),
        (["1", "0.25", "-0.5"], [["2", "0.75", "0.125"], ["1", "-0.25", "0.5"]]),
        (["7,5", "1,25"], [["8,5", "1,5"], ["6,5", "2,5"]]),
        (["2020-01-01", "12"], [["2020-01-02", "11"], ["2020-01-03", ""], ["2020-01-04", "15"]]),
    ],
)
def test_a_line_like_those_below_is_data(header: list[str], first: list[list[str]]) -> None:
    assert looks_like_data(header, first)


@pytest.mark.parametrize(
    ("header", "first"),
    [
        (["a", "b", "c", "d", "e"], IRIS),
        # Names that pandas gives, pixels, and years.
        (["0", "1", "2", "3", "4"], IRIS),
        (["", "0", "1"], [["0", "1", "5"], ["1", "0", "2"]]),
        (["label", "0", "1", "2"], [["7", "0", "255", "3"], ["1", "0", "9", "0"]]),
        (["country", "2019", "2020"], [["A", "2018", "2030"], ["B", "1990", "2050"]]),
        # Wavelengths above absorptions.
        (["sample", "1100.5", "1098.25", "1095"], [["a", "0.1", "0.2", "0.3"], ["b", "0.2", "0.1", "0.3"]]),
        # Nothing but text can be anything, and one row says nothing.
        (["cat", "dog"], [["cat", "dog"], ["cow", "pig"]]),
        (["1", "5"], [["3", "4"]]),
        (["id", "5"], [["3", "4"], ["4", "6"]]),
    ],
)
def test_other_lines_are_names(header: list[str], first: list[list[str]]) -> None:
    assert not looks_like_data(header, first)


def test_columns_without_a_name_are_called_as_pandas_does_and_never_as_another_is() -> None:
    assert distinct_names(Path("a.csv"), ["", "a", ""]) == ["Unnamed: 0", "a", "Unnamed: 2"]
    # As a table that pandas has saved twice begins.
    twice = distinct_names(Path("a.csv"), ["", "Unnamed: 0", "Unnamed: 0.1", "a"])
    assert twice == ["Unnamed: 0.2", "Unnamed: 0", "Unnamed: 0.1", "a"]
    assert all(map(is_nameless, twice[:3]))


@pytest.mark.parametrize(
    "columns",
    [
        {"a fine film": ["a poor film", "another"], "good": ["bad", "good"]},
        {"a.wav": ["b.wav", "c.wav"], "dog": ["cat", "cow"]},
        {"this is a long text": ["and this is another one", "as is this one here"]},
    ],
)
def test_names_like_the_cells_below_are_a_row(columns: dict[str, list[str]]) -> None:
    assert is_a_row(columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["a poor film", "another"], "label": ["bad", "good"]},
        {"file": ["b.wav", "c.wav"], "x.wav": ["1", "2"]},
        {"how satisfied are you": ["very", "not at all"]},
        # One row says nothing, nor do numbers and gaps.
        {"good": ["good"]},
        {"v1.5": ["2.5", "0.5"], "": ["", "a"]},
        {"x": [None, 1.0, 2.0]},
    ],
)
def test_names_unlike_the_cells_below_are_names(columns: dict[str, list[Any]]) -> None:
    assert not is_a_row(columns)
