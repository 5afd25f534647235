"""perceivers.data.some_cells: which columns are looked at, at which rows, and what their rows are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.frames import ColumnTable
from perceivers.data.opening import open_table_file
from perceivers.data.some_cells import MOST_LISTS, SomeCells, cells_with_texts
from perceivers.data.tables import ArrowTable, StreamTable, Table


def names(table: Any) -> list[str]:
    return [found.name for found in cells_with_texts(table, table.columns)]


def test_columns_of_texts_and_of_lists_of_objects_are_looked_at_and_no_others() -> None:
    cells: dict[str, list[Any]] = {
        "text": [None, "0,5", None],
        "number": [0.5, 7, None],
        "file": [b"1,2", b"3", None],
        "steps": [[0.5, 1.5], [2.5], []],
        "units": [[], [{"mass": "0,5"}], None],
        "picture": [{"bytes": b"1,2"}, None, None],
        "empty": [None, None, None],
    }
    assert names(ColumnTable(cells, "t")) == ["text", "units"]
    (found,) = cells_with_texts(ColumnTable(cells, "t"), ["text"])
    assert found == SomeCells("text", [None, "0,5", None], ["t, row 1", "t, row 2", "t, row 3"])


def test_cells_are_evenly_spread_over_the_rows() -> None:
    count = 4_001
    texts = ColumnTable({"x": [str(index) for index in range(count)]}, "t")
    (found,) = cells_with_texts(texts, ["x"])
    # At most 2,000, so every third.
    assert found.cells == [str(index) for index in range(0, count, 3)]
    assert found.rows[1] == "t, row 4"
    lists = ColumnTable({"x": [[{"a": index}] for index in range(131)]}, "t")
    (found,) = cells_with_texts(lists, ["x"])
    assert found.cells == [[{"a": index}] for index in range(0, 131, 3)]
    assert len(found.cells) <= MOST_LISTS


def test_torn_rows_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('x,y\n"0,5",a\n"1,5"\n"2,5",c\n')
    table = open_table_file(path)
    (found, _) = cells_with_texts(table, table.columns)
    assert (found.cells, found.rows) == (["0,5", "2,5"], [f"{path}, row 1", f"{path}, row 3"])


def test_of_a_stream_the_first_rows_are_looked_at_in_the_order_of_the_file() -> None:
    from datasets import Dataset

    rows = Dataset.from_dict({"x": ["0,5", "7", "9"], "n": [1, 2, 3]}).to_iterable_dataset()
    stream = StreamTable(rows, "t.csv", buffer_size=3, seed=5)
    assert list(cells_with_texts(stream, stream.columns)) == [
        SomeCells("x", ["0,5", "7", "9"], ["t.csv, row 1", "t.csv, row 2", "t.csv, row 3"])
    ]
    assert stream.first_rows(2) == [{"x": "0,5", "n": 1}, {"x": "7", "n": 2}]


def arrow() -> Table:
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"x": Value("string"), "kind": ClassLabel(names=["low", "high"])})
    return ArrowTable(Dataset.from_dict({"x": ["a", "b", "c"], "kind": [0, 1, -1]}, features=features), "t")


@pytest.mark.parametrize(
    "table", [arrow(), ColumnTable({"x": ["a", "b", "c"], "kind": ["low", "high", None]}, "t")]
)
def test_cells_of_some_rows_are_those_of_the_column(table: Table) -> None:
    view = table.take([2, 0]).with_column("other", [5, 7])
    for name, indices, expected in (
        ("x", [1], ["a"]),
        ("x", [1, 0], ["a", "c"]),
        ("kind", [0, 1], [None, "low"]),
        ("other", [1], [7]),
    ):
        assert view.cells_at(indices, [name]) == {name: expected}
    assert view.cells_at([1], ["other", "x"]) == {"other": [7], "x": ["a"]}
    assert table.cells_at([2, 1], ["kind", "x"]) == {"kind": [None, "high"], "x": ["c", "b"]}
    assert table.cells_at([2, 1], []) == {}
