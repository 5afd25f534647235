"""What a program asks about, as a table: rows and columns of frames, bare cells, and what is none of these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from perceivers.data.asked_values import asked_table
from perceivers.data.tables import ListTable
from perceivers.errors import DataError

FRAME = pd.DataFrame({"text": ["good", "bad", "so"], "size": [2, 3, 5]}, index=[7, 7, 5])


def is_table(path: Path) -> bool:
    return path.suffix == ".csv"


def rows(values: Any, *columns: str) -> list[dict[str, Any]]:
    table = asked_table(values, columns, is_table)
    return [dict(table[index]) for index in range(len(table))]


def test_a_row_of_a_frame_is_one_row_and_a_column_has_a_cell_a_row() -> None:
    second = {"text": "bad", "size": 3}
    assert rows(FRAME.iloc[1], "text") == rows(FRAME.iloc[1], "text", "size") == [second]
    assert rows([FRAME.iloc[1]], "text") == [second]
    assert rows(FRAME["text"], "text") == [{"text": "good"}, {"text": "bad"}, {"text": "so"}]


def test_a_row_is_one_row_where_a_cell_is_a_text() -> None:
    assert rows({"text": "good"}, "text") == [{"text": "good"}]
    assert rows({"text": ["good", "bad"]}, "text") == [{"text": "good"}, {"text": "bad"}]


def test_cells_are_those_of_the_only_column() -> None:
    picture = Image.new("L", (3, 5))
    assert rows(["a", Path("b"), {"image": "c"}], "image") == [{"image": "a"}, {"image": "b"}, {"image": "c"}]
    assert rows((picture,), "image") == [{"image": picture}]
    assert rows(np.array(["a", "b"]), "text") == [{"text": "a"}, {"text": "b"}]
    table = ListTable([{"text": "a"}], "rows")
    assert asked_table(table, ["text"], is_table) is table


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            "good",
            r"must be a DataFrame, a row or a list, received str: put a single value in a list, \[value\]$",
        ),
        (Path("a.png"), r"received \w+Path: put a single value in a list, \[value\]$"),
        (Image.new("L", (3, 5)), "received Image: put a single value in a list"),
        (
            np.zeros((3, 5)),
            r"received an array of the shape \[3, 5\]: .*; an array of several is list\(array\)",
        ),
        (np.zeros(3), r"received an array of the shape \[3\]"),
        (
            ["good", "a.csv"],
            "must be cells, received the name of a table, 'a.csv'; `predictions` of the predictor takes",
        ),
        ([Path("a.csv")], "received the name of a table, 'a.csv'"),
    ],
)
def test_what_is_no_table_is_named_with_the_way_to_give_it(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(values, "text")


def test_bare_cells_are_refused_where_several_columns_are_read() -> None:
    with pytest.raises(
        DataError, match=r"must have the columns text, size: .* received a list of float, int$"
    ):
        rows([1.5, {"text": "a"}, 3], "text", "size")
    with pytest.raises(
        DataError, match="a list of str; `predictions` of the predictor takes the names of tables"
    ):
        rows(["a.csv"], "text", "size")


def is_cell(given: Mapping[Any, Any]) -> bool:
    return set(given) <= {"array", "rate"}


def test_a_mapping_may_be_a_cell() -> None:
    cell, row = {"array": [0.5], "rate": 7}, {"sound": "b.wav", "rate": 5}
    table = asked_table([cell, "a.wav", row], ["sound"], is_table, is_cell)
    assert table.column("sound") == [cell, "a.wav", "b.wav"]
    with pytest.raises(
        DataError, match=r"received a mapping with array, rate: put a single value in a list, \[value\]$"
    ):
        asked_table(cell, ["sound"], is_table, is_cell)
