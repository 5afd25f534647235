"""Answers in a table of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.joined import joined
from perceivers.data.opening import notes_of, open_tables
from perceivers.data.tables import ListTable
from perceivers.errors import DataError

ROWS = ListTable([{"id": 1, "x": "a"}, {"id": 2, "x": "b"}, {"id": 3, "x": "c"}], "train.csv")


def test_answers_are_found_by_the_columns_that_both_have() -> None:
    table = joined(ROWS, ListTable([{"id": "3", "y": "up"}, {"id": "1", "y": "down"}], "labels.csv"))
    assert table.columns == ("id", "x", "y")
    assert table.column("y") == ["down", None, "up"]
    assert table.notes == ["`labels.csv`: y joined to `train.csv` by id"]


def test_answers_without_an_id_belong_to_the_rows_in_their_order() -> None:
    table = joined(ROWS, ListTable([{"y": "up"}, {"y": "down"}, {"y": "up"}], "y.csv"))
    assert table.column("y") == ["up", "down", "up"]
    assert table.notes == ["`y.csv`: y joined to `train.csv` row by row"]


def test_answers_that_belong_to_no_row_for_sure_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"`y.csv` must have one row for each id, to be joined to `train.csv`"
    ):
        joined(ROWS, ListTable([{"id": 1, "y": "up"}, {"id": 1, "y": "down"}], "y.csv"))
    with pytest.raises(
        DataError, match=r"`y.csv` must have a row for each of the 3 rows of `train.csv`, or a column in"
    ):
        joined(ROWS, ListTable([{"y": "up"}], "y.csv"))


@pytest.mark.parametrize(
    ("rows", "answers"), [("train.csv", "train_labels.csv"), ("X_train.csv", "y_train.csv")]
)
def test_a_folder_may_hold_the_answers_apart(tmp_path: Path, rows: str, answers: str) -> None:
    for part in ("train", "test"):
        (tmp_path / rows.replace("train", part)).write_text("id,x\n1,a\n2,b\n")
        (tmp_path / answers.replace("train", part)).write_text(f"id,y\n2,{part}2\n1,{part}1\n")
    tables = open_tables(DataArguments(data=str(tmp_path)), ())
    assert {part: table.column("y") for part, table in tables.items()} == {
        "train": ["train1", "train2"],
        "test": ["test1", "test2"],
    }
    assert len(notes_of(tables)) == 2
