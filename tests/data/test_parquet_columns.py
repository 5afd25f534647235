"""Parquet files with columns of types that nothing here takes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perceivers.arguments.data import DataArguments
from perceivers.cli.inspect import inspect
from perceivers.data.opening import open_table_file
from perceivers.data.parquet_columns import readable_columns
from perceivers.errors import DataError

ODD = pa.array([[("a", 1.0)], [], None], type=pa.map_(pa.string(), pa.float64()))


@pytest.mark.parametrize("streaming", [False, True])
def test_a_column_of_a_map_is_left_out_by_name_and_the_others_are_read(
    tmp_path: Path, streaming: bool
) -> None:
    path = tmp_path / "x[1].parquet"
    pq.write_table(pa.table({"weight": [2.0, 3.0, 5.0], "odd": ODD}), path)
    table = open_table_file(path, DataArguments(data=str(path), streaming=streaming))
    assert list(table.columns) == ["weight"]
    assert len(table.notes) == 1
    assert "left out, since their types cannot be read: 'odd' (map<string, double" in table.notes[0]
    assert "write such columns as numbers, texts or lists" in table.notes[0]


def test_of_usual_columns_nothing_is_said(tmp_path: Path) -> None:
    pq.write_table(pa.table({"weight": [2.0], "name": ["a"]}), tmp_path / "x.parquet")
    assert readable_columns(tmp_path / "x.parquet") == ({}, [])


def test_a_file_of_such_columns_alone_names_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"odd": ODD}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"has no column of a type that can be read, received 'odd' \(map<"):
        open_table_file(tmp_path / "x.parquet")


def test_who_asks_for_such_a_column_is_told_why_it_is_not_there(tmp_path: Path) -> None:
    pq.write_table(pa.table({"weight": [2.0, 3.0, 5.0], "odd": ODD}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"received 'odd'; it has weight; .*left out, .*'odd'"):
        inspect(str(tmp_path / "x.parquet"), target=("odd",))
