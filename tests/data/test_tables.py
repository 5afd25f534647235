"""Tables seen in part, with other cells, and as numbers."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.arguments import DataArguments
from perceivers.data.frames import ColumnTable, table_of
from perceivers.data.held import HeldTable
from perceivers.data.opening import open_table_file
from perceivers.data.tables import ArrowTable, ListTable, StreamTable, Table, has_targets
from perceivers.errors import DataError

CELLS = {"x": ["1", "2", None, "4", "5"], "y": list("abcde"), "z": [1.0, 2.0, 3.0, 4.0, float("nan")]}


def arrow() -> ArrowTable:
    from datasets import Dataset

    return ArrowTable(Dataset.from_dict(CELLS), "five", Path("root"))


def columns() -> ColumnTable:
    return ColumnTable(CELLS, "five", Path("root"))


def rows(table: Table) -> list[list[Any]]:
    found = [list(table[index].values()) for index in range(len(table))]
    assert found == [list(row) for row in zip(*(table.column(name) for name in table.columns), strict=True)]
    return found


@pytest.fixture(params=[arrow, columns])
def table(request: pytest.FixtureRequest) -> Table:
    made: Table = request.param()
    return made


def test_columns_are_selected_in_the_order_that_is_asked_for(table: Table) -> None:
    assert rows(table.select(["y", "x"]))[1:3] == [["b", "2"], ["c", None]]
    with pytest.raises(DataError, match="`five` must have a column 'w', received x, y, z"):
        table.select(["x", "w"])


def test_rows_are_taken_and_keep_their_names_and_paths(table: Table) -> None:
    taken = table.take([4, 0, 0]).select(["x", "y"])
    assert rows(taken) == [["5", "e"], ["1", "a"], ["1", "a"]]
    assert [taken.name(index) for index in range(3)] == ["five, row 5", "five, row 1", "five, row 1"]
    assert taken.path("a.png") == Path("root/a.png")
    assert taken.root == Path("root")
    assert taken.numbers("x").tolist() == [5.0, 1.0, 1.0]
    assert rows(taken.take([2])) == [["1", "a"]]


def test_a_column_is_replaced_where_it_stands_or_added_at_the_end(table: Table) -> None:
    changed = (
        table.take([1, 3]).with_column("x", [None, "9"]).with_column("w", [0, 1]).select(["x", "y", "w"])
    )
    assert rows(changed) == [[None, "b", 0], ["9", "d", 1]]
    assert np.array_equal(changed.numbers("x"), [np.nan, 9.0], equal_nan=True)
    assert rows(table.select(["x", "y"]))[3] == ["4", "d"], "the table itself stays as it is"
    assert rows(table.with_column("y", [7] * 5).select(["y"])) == [[7]] * 5
    with pytest.raises(
        DataError, match=r"`values` of the column 'x' must be 5, one a row of `five`, received 2"
    ):
        table.with_column("x", [1, 2])


def test_a_column_is_read_as_numbers(table: Table) -> None:
    assert table.numbers("x").dtype == np.float64
    assert np.array_equal(table.numbers("x"), [1, 2, np.nan, 4, 5], equal_nan=True)
    assert np.array_equal(table.numbers("z"), [1, 2, 3, 4, np.nan], equal_nan=True)
    assert np.array_equal(table.select(["x"]).numbers("x"), [1, 2, np.nan, 4, 5], equal_nan=True)
    with pytest.raises(DataError, match="`five, row 1`, column 'y': expected a number, received 'a'"):
        table.numbers("y")


def test_words_spaces_and_endless_numbers_among_the_numbers_of_a_table() -> None:
    from datasets import Dataset

    table = ArrowTable(Dataset.from_dict({"x": [" 1", "NA", "2"], "y": ["1", "inf", "2"]}), "three")
    assert np.array_equal(table.numbers("x"), [1, np.nan, 2], equal_nan=True)
    with pytest.raises(
        DataError, match="`three, row 2`, column 'y': expected a finite number, received 'inf'"
    ):
        table.numbers("y")


def test_decimal_commas_are_numbers_where_the_table_says_so() -> None:
    from datasets import Dataset

    cells = {"x": ["0,5", "-1,25", None]}
    for table in (ArrowTable(Dataset.from_dict(cells), "three"), ColumnTable(cells, "three")):
        with pytest.raises(DataError, match=r"`three, row 1`, column 'x': received '0,5', which looks like"):
            table.numbers("x")
        table.decimal = "comma"
        assert np.array_equal(table.numbers("x"), [0.5, -1.25, np.nan], equal_nan=True)
        assert table.take([1]).numbers("x").tolist() == [-1.25]


def test_a_view_that_is_told_another_notation_reads_its_numbers_so() -> None:
    table = ColumnTable({"x": ["1,250", "7"]}, "two")
    for view in (table.take([0, 1]), HeldTable(table, ["x"])):
        view.decimal = "grouped"
        assert view.numbers("x").tolist() == [1250.0, 7.0]
        with pytest.raises(DataError, match="add --decimal grouped"):
            table.numbers("x")


def test_classes_with_names_are_no_numbers() -> None:
    from datasets import ClassLabel, Dataset, Features

    features = Features({"label": ClassLabel(names=["3", "7"])})
    table = ArrowTable(Dataset.from_dict({"label": [1, 0]}, features=features), "two")
    assert table.numbers("label").tolist() == [7.0, 3.0]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["x"], True),
        (["w"], False),
        (["w", "x"], True),
        (["gone"], False),
        (["w", "gone"], False),
        ([], False),
    ],
)
def test_a_table_has_targets_where_one_has_a_value(wanted: list[str], expected: bool) -> None:
    cells = {**CELLS, "w": [None, "", float("nan"), None, ""]}
    assert has_targets(ColumnTable(cells, "five"), wanted) is expected
    assert has_targets(ListTable([{"w": None}, {"w": 0}], "two"), ["w"])


def test_the_columns_of_a_stream_count_as_targets() -> None:
    from datasets import Dataset

    stream = StreamTable(Dataset.from_dict({"x": [1]}).to_iterable_dataset(), "one", buffer_size=1, seed=0)
    assert has_targets(stream, ["x"])
    assert not has_targets(stream, ["y"])


def test_numbers_are_counted_where_no_cell_needs_a_look() -> None:
    from datasets import Dataset

    cells = {
        "x": [1.5, None, 2.0],
        "text": ["1", None, "2e3"],
        "word": ["1", "NA", "2"],
        "infinite": ["1", "inf", "2"],
    }
    table = ArrowTable(Dataset.from_dict(cells), "three")
    assert [table.count_numbers(name) for name in cells] == [2, 2, None, None]
    assert ColumnTable({"x": [1.0]}, "one").count_numbers("x") is None
    table.decimal = "comma"
    assert table.count_numbers("x") is None


def test_columns_of_a_wide_table_are_read_without_a_look_at_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import datasets

    names = [f"c{number}" for number in range(31)]
    dataset = datasets.Dataset.from_dict({name: [f"{name}{row}" for row in range(5)] for name in names})
    table = ArrowTable(dataset, "wide.csv")
    copies = 0
    features = datasets.Features.copy

    def counted(own: Any) -> Any:
        nonlocal copies
        copies += 1
        return features(own)

    monkeypatch.setattr(datasets.Features, "copy", counted)
    assert table.column("c7") == ["c70", "c71", "c72", "c73", "c74"]
    # The description of all columns is copied for the first column that is asked for, and for no other.
    first = copies
    for name in names:
        assert table.column(name) == [f"{name}{row}" for row in range(5)]
        assert table.cells_at([3, 1], [name]) == {name: [f"{name}3", f"{name}1"]}
    assert copies == first


def test_a_table_that_was_read_is_handed_to_another_process_without_its_rows() -> None:
    import datasets

    table = ArrowTable(datasets.Dataset.from_dict({"text": ["a" * 997] * 101}), "texts.csv")
    before = len(pickle.dumps(table))
    table.column("text")
    assert len(pickle.dumps(table)) == before
    assert pickle.loads(pickle.dumps(table)).column("text") == ["a" * 997] * 101


def test_rows_that_were_picked_from_a_set_are_the_only_ones() -> None:
    import datasets

    picked = datasets.Dataset.from_dict({"n": list(range(11))}).select([7, 2, 5])
    table = ArrowTable(picked, "picked")
    assert table.column("n") == [7, 2, 5]
    assert table.cells_at([2, 0], ["n"]) == {"n": [5, 7]}
    assert table.numbers("n").tolist() == [7.0, 2.0, 5.0]


def test_texts_that_are_views_are_texts(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "views.parquet"
    cells = {
        "n": pyarrow.array(["7", "2", None], pyarrow.string_view()),
        "b": pyarrow.array([b"x", None, b"z"], pyarrow.binary_view()),
    }
    parquet.write_table(pyarrow.table(cells), path)
    table = open_table_file(path)
    assert isinstance(table, ArrowTable)
    assert table.column("n") == ["7", "2", None]
    assert table.cells_at([2, 0], ["n", "b"]) == {"n": [None, "7"], "b": [b"z", b"x"]}
    np.testing.assert_equal(table.numbers("n"), [7.0, 2.0, np.nan])
    assert table[0] == {"n": "7", "b": b"x"}


def test_exact_decimals_of_a_data_base_are_numbers(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    cells = [Decimal("12.50"), None, Decimal("-3.25")]
    path = tmp_path / "sales.parquet"
    parquet.write_table(pyarrow.table({"n": [1, 2, 3], "amount": cells}), path)
    table = open_table_file(path)
    assert isinstance(table, ArrowTable)
    assert table.column("amount") == [12.5, None, -3.25]
    assert all(cell is None or type(cell) is float for cell in table.column("amount"))
    assert table[2]["amount"] == -3.25
    assert type(table[2]["amount"]) is float
    assert table.cells_at([2, 0], ["amount"]) == {"amount": [-3.25, 12.5]}
    np.testing.assert_equal(table.numbers("amount"), [12.5, np.nan, -3.25])
    stream = open_table_file(path, DataArguments(data=str(path), streaming=True))
    assert isinstance(stream, StreamTable)
    assert stream.column("amount") == [12.5, None, -3.25]
    assert [type(row["amount"]) for row in stream.first_rows(3)] == [float, type(None), float]
    assert table_of({"amount": cells}).column("amount") == [12.5, None, -3.25]
