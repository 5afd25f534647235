"""Series that stand in cells of texts: what is a list of numbers, what is a path, and what is neither."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.series.channels import channels_of_cells
from perceivers.kinds.series.files import SeriesColumns, texts_of_files
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.number_texts import is_list_text, looks_like_numbers, numbers_in
from perceivers.kinds.series.opening import is_long, names_files
from perceivers.kinds.series.reading import looks_like_series, series_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[0.5, -1e2, 3]", [[0.5], [-100.0], [3.0]]),
        (" [[1, 2], [3, 4], [5, 6]] ", [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        ("[0.5, null, nan, None, NaN]", [[0.5], [math.nan], [math.nan], [math.nan], [math.nan]]),
    ],
)
def test_lists_in_texts_are_series_as_lists_are(text: str, values: list[list[float]]) -> None:
    table = ListTable([{"walk": text}], "rows.csv")
    assert is_list_text(text)
    assert looks_like_series(text)
    np.testing.assert_array_equal(series_of(text, table, SeriesColumns()), np.float32(values))
    assert SeriesKind.guess("walk", [text] * 7) > 0.5
    assert not is_long(table, "walk")
    assert not names_files(table, "walk")
    assert texts_of_files([text], table, SeriesColumns()) == []


@pytest.mark.parametrize(
    "text", ["[7]", "[a, b]", "[see 3, 4]", "['cat', 'dog']", "[]", '[{"x": 1}, {"x": 2}]']
)
def test_other_texts_in_brackets_are_not_guessed_to_be_series(text: str) -> None:
    assert not looks_like_numbers(text)
    assert not looks_like_series(text)


def test_a_file_whose_name_begins_with_a_bracket_is_a_file() -> None:
    assert looks_like_series("[old] walk.npy")
    assert not is_list_text("[old] walk.npy")


@pytest.mark.parametrize("text", ["[0.1 0.2 0.3]", "[0.1 0.2 ... 0.9]", "[[1, 2], [3, 4]"])
def test_numbers_that_are_no_json_are_told_how_to_be_written(text: str) -> None:
    with pytest.raises(
        DataError, match=r"must be a JSON list such as \[0.1, null, 0.2\], received '\[.*tolist"
    ):
        numbers_in(text)


def test_arrays_of_numpy_are_guessed_so_that_their_user_is_told() -> None:
    assert looks_like_series("[0.1 0.2 ... 0.9]")


def test_lists_in_texts_whose_channels_seem_to_come_first_are_told_so() -> None:
    cells = [str([[float(step) for step in range(41)] for _ in range(2)]), "[torn 1, 2]"]
    names, notes = channels_of_cells(cells, ListTable([{"walk": cells[0]}], "rows.csv"), SeriesColumns())
    assert names == []
    assert "2 steps of 41 channels" in notes[0]
