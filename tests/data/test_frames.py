"""Tables of DataFrames, columns and rows."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data.frames import ColumnTable, plain_cell, table_of
from perceivers.data.tables import ListTable
from perceivers.errors import DataError


def cells(frame: Any) -> dict[str, list[Any]]:
    table = table_of(frame)
    assert [dict(table[index]) for index in range(len(table))] == [
        {name: table.column(name)[index] for name in table.columns} for index in range(len(table))
    ]
    return {name: list(table.column(name)) for name in table.columns}


def test_a_data_frame_is_taken_with_its_missing_values() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "number": [1.5, float("nan"), 3.0],
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "text": ["001", None, ""],
            "day": [pd.Timestamp("2024-01-31"), pd.NaT, pd.Timestamp("2024-02-01")],
            7: pd.Categorical(["a", None, "b"]),
            "list": [[1], [2, 3], None],
        },
        index=[5, 3, 1],
    )
    assert cells(frame) == {
        "number": [1.5, None, 3.0],
        "whole": [1, None, 3],
        "text": ["001", None, ""],
        "day": [datetime.datetime(2024, 1, 31), None, datetime.datetime(2024, 2, 1)],
        "7": ["a", None, "b"],
        "list": [[1], [2, 3], None],
    }


def test_a_frame_needs_no_pandas() -> None:
    class Frame:
        columns = ("x",)

        def __len__(self) -> int:
            return 2

        def to_dict(self, orient: str) -> dict[str, list[Any]]:
            assert orient == "list"
            return {"x": [1, float("nan")]}

    assert cells(Frame()) == {"x": [1, None]}


def test_a_frame_of_polars_gives_its_columns() -> None:
    class Column:
        def __init__(self, *cells: Any) -> None:
            self.cells = cells

        def to_list(self) -> list[Any]:
            return list(self.cells)

    class Frame:
        """What polars has: its `to_dict` takes no orientation."""

        columns = ("x", "day")

        def __len__(self) -> int:
            return 2

        def get_columns(self) -> list[Column]:
            return [Column(1.5, None), Column(datetime.date(2024, 1, 31), None)]

        def to_dict(self, *, as_series: bool = True) -> dict[str, Any]:
            raise AssertionError

    assert cells(Frame()) == {"x": [1.5, None], "day": [datetime.date(2024, 1, 31), None]}


def test_tables_and_batches_of_arrow_are_taken() -> None:
    import pyarrow

    columns = {
        "x": pyarrow.array([Decimal("1.5"), None]),
        "kind": pyarrow.array(["red", None]).dictionary_encode(),
        "steps": pyarrow.array([[1.0, 2.0], None]),
    }
    expected = {"x": [1.5, None], "kind": ["red", None], "steps": [[1.0, 2.0], None]}
    assert cells(pyarrow.table(columns)) == expected
    assert cells(pyarrow.RecordBatch.from_pydict(columns)) == expected
    with pytest.raises(DataError, match="`data` has two columns 'x'"):
        table_of(pyarrow.table([columns["x"], columns["x"]], names=["x", "x"]))


def test_fields_of_a_structured_array_are_columns() -> None:
    rows = [(1.5, "red", "2024-01-31"), (float("nan"), "", "NaT")]
    kinds: Any = [("x", "f4"), ("kind", "U3"), ("day", "datetime64[ns]")]
    expected = {"x": [1.5, None], "kind": ["red", ""], "day": [datetime.datetime(2024, 1, 31), None]}
    assert cells(np.array(rows, kinds)) == expected
    assert cells(np.array(rows, kinds).view(np.recarray)) == expected


def test_what_pandas_makes_of_nested_lists_and_of_ranges_is_plain() -> None:
    import pandas as pd

    nested = np.empty(2, object)
    nested[:] = [np.array([1.0, 2.0]), np.array([3.0, 5.0])]
    things = np.empty(1, object)
    things[:] = [{"type": "ant"}]
    frame = pd.DataFrame(
        {
            "steps": pd.Series([nested, None]),
            "things": pd.Series([things, None]),
            "quarter": pd.PeriodIndex(["2020Q1", None], freq="Q"),
            "age": pd.cut(pd.Series([5, 40]), [0, 18, 99]),
        }
    )
    assert cells(frame) == {
        "steps": [[[1.0, 2.0], [3.0, 5.0]], None],
        "things": [[{"type": "ant"}], None],
        "quarter": ["2020Q1", None],
        "age": ["(0, 18]", "(18, 99]"],
    }


def test_streams_and_several_tables_are_refused_with_the_way_to_give_them() -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"x": [1, 2]})
    with pytest.raises(
        DataError, match=r"`data` must be rows that can be read again, .*list\(stream.take\(1000\)\)"
    ):
        table_of(rows.to_iterable_dataset())
    parts = datasets.DatasetDict({"train": rows, "test": rows})
    with pytest.raises(
        DataError, match=r"`data` must be one table, received several, train, test: .*data\['train'\]"
    ):
        table_of(parts)


def test_columns_and_rows_are_taken() -> None:
    assert cells({"x": np.array([1, 2]), "y": ("a", None)}) == {"x": [1, 2], "y": ["a", None]}
    assert cells([{"x": 1}, {"y": "b", "x": 2}]) == {"x": [1, 2], "y": [None, "b"]}


def test_a_mapping_of_single_cells_is_one_row() -> None:
    assert cells({"x": 1.5, "y": "good", "z": None}) == {"x": [1.5], "y": ["good"], "z": [None]}
    assert cells({"x": np.float32(0.5), "y": np.array(3)}) == {"x": [0.5], "y": [3]}
    assert cells({"x": {"path": "a.png"}}) == {"x": [{"path": "a.png"}]}
    assert cells({"x": "abc"}) == {"x": ["abc"]}


def test_rows_of_a_frame_are_rows() -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": [1, 2, 3], "y": ["a", None, "b"]}, index=[7, 7, 5])
    assert cells([frame.iloc[1], frame.iloc[2]]) == {"x": [2, 3], "y": [None, "b"]}
    assert cells([frame.iloc[0], {"y": "c"}]) == {"x": [1, None], "y": ["a", "c"]}


def test_a_dataset_is_taken_with_the_names_of_its_classes() -> None:
    from datasets import ClassLabel, Dataset, Features

    data = Dataset.from_dict({"label": [1, 0]}, features=Features({"label": ClassLabel(names=["no", "yes"])}))
    assert cells(data) == {"label": ["yes", "no"]}


def test_a_table_is_given_back() -> None:
    table = ListTable([{"x": 1}], "rows")
    assert table_of(table) is table


def test_paths_belong_to_the_folder_that_is_given() -> None:
    assert table_of({"x": ["a.png"]}, root="pictures").path("a.png") == Path("pictures/a.png")
    assert table_of({"x": ["a.png"]}, "mine").name(0) == "mine, row 1"


@pytest.mark.parametrize(
    ("cell", "plain", "kind"),
    [
        (np.int64(3), 3, int),
        (np.float32(0.5), 0.5, float),
        (np.bool_(True), True, bool),
        (np.str_("a"), "a", str),
        (np.float32("nan"), None, type(None)),
        (np.timedelta64(61_500_000_000, "ns"), datetime.timedelta(seconds=61.5), datetime.timedelta),
        (np.timedelta64("NaT"), None, type(None)),
        (np.datetime64("2024-01-31T06:00", "ns"), datetime.datetime(2024, 1, 31, 6), datetime.datetime),
        ("", "", str),
        ("NaN", "NaN", str),
        (Path("a/b.png"), str(Path("a/b.png")), str),
    ],
)
def test_cells_are_pythons_own(cell: Any, plain: Any, kind: type) -> None:
    assert plain_cell(cell) == plain
    assert type(plain_cell(cell)) is kind


def test_an_array_in_a_cell_stays_as_it_is() -> None:
    array = np.zeros((2, 3))
    assert plain_cell(array) is array


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({}, "`data` holds no rows"),
        ({"x": []}, "`data` holds no rows"),
        ([], "`data` holds no rows"),
        ({"x": [1], "y": [1, 2]}, "must have equally many cells in all columns, received x 1, y 2"),
        ({"1": [1], 1: [2]}, "`data` has two columns '1'; give each a name of its own"),
        (3, "must be a DataFrame, a mapping of columns, a list of rows .* received int"),
        ("data.csv", "received str"),
        ([1, 2], "received list"),
        (
            {"x": [1, 2], "y": "ab"},
            "must be one row of cells, or a list of cells in every column, received 'x' with a list and 'y' with a str: put "
            r"one row in a list, \[row\]; else give each column a list",
        ),
    ],
)
def test_what_is_no_table_is_named(frame: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table_of(frame)


def test_a_frame_without_rows_or_with_one_name_twice_is_refused() -> None:
    import pandas as pd

    with pytest.raises(DataError, match="holds no rows"):
        table_of(pd.DataFrame({"x": []}))
    with pytest.raises(DataError, match="has two columns 'x'"):
        table_of(pd.DataFrame([[1, 2]], columns=["x", "x"]))


def test_columns_in_memory_are_a_table() -> None:
    table = ColumnTable({"x": [1, 2, 3], "y": "abc"}, "memory")
    assert (len(table), table[1], table.column("y")) == (3, {"x": 2, "y": "b"}, "abc")
