"""One series in a file of its own: CSV with or without names, tabs, NumPy arrays, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.kinds.series.files import SeriesColumns, as_series, read_series_file


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_without_names_is_all_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "1,2\n3,4\n5,6\n")
    series = read_series_file(path, SeriesColumns())
    assert series.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert series.dtype == np.float32


def test_channels_are_taken_by_name_in_the_asked_order_and_sorted_by_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "t,x,y,label\n3,1,10,cat\n1,2,20,cat\n2,,30,cat\n")
    series = read_series_file(path, SeriesColumns(channels=("y", "x"), time="t"))
    assert np.array_equal(series, np.float32([[20, 2], [30, np.nan], [10, 1]]), equal_nan=True)


def test_without_asked_channels_all_columns_count_but_time_and_those_named_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "t\tx\ty\tlabel\n0\t1\t10\tcat\n")
    assert read_series_file(path, SeriesColumns(time="t", others=("label",))).tolist() == [[1, 10]]


@pytest.mark.parametrize("word", ["", "NaN", "NA", "null", "?"])
def test_the_usual_words_are_missing_values(tmp_path: Path, word: str) -> None:
    path = write(tmp_path / "a.csv", f"x,y\n1,2\n{word},4\n")
    assert np.isnan(read_series_file(path, SeriesColumns())).tolist() == [[False, False], [True, False]]


def test_an_array_is_read_as_steps_of_channels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6).reshape(3, 2))
    np.save(tmp_path / "b.npy", np.arange(3.0))
    assert read_series_file(tmp_path / "a.npy", SeriesColumns()).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert read_series_file(tmp_path / "b.npy", SeriesColumns()).tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", SeriesColumns(), "a.csv` holds no steps: it is empty"),
        (
            "x,y\n",
            SeriesColumns(),
            "a.csv` cannot be read as a table: there is no data below the line of names",
        ),
        (
            "x,y\n1,2\n3\n",
            SeriesColumns(),
            r"a.csv`, row 2 \(line 3\): expected 2 fields as in the first line, received 1",
        ),
        (
            "x,y\n1,2\n3,z\n",
            SeriesColumns(),
            "a.csv, row 2`, column 'y': expected a number, received 'z'",
        ),
        ("x,y\n1,2\n", SeriesColumns(channels=("z",)), "a.csv` must have a column 'z', received x, y"),
        ("x,y\n1,2\n", SeriesColumns(time="t"), "a.csv` must have a column 't', received x, y"),
        ("t\n1\n", SeriesColumns(time="t"), "a.csv` must have a column for each channel, received only t"),
        (
            "1,2\n",
            SeriesColumns(channels=("x",)),
            "a.csv` must begin with a line of column names, received 1, 2",
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_line(
    tmp_path: Path, text: str, columns: SeriesColumns, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_series_file(write(tmp_path / "a.csv", text), columns)


def test_damaged_arrays_and_texts_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(DataError, match=r"a.npy` cannot be read as a NumPy array"):
        read_series_file(tmp_path / "a.npy", SeriesColumns())
    np.save(tmp_path / "b.npy", np.zeros((2, 3, 4)))
    with pytest.raises(DataError, match=r"b.npy`: a series must have the shape .* received \[2, 3, 4\]"):
        read_series_file(tmp_path / "b.npy", SeriesColumns())
    (tmp_path / "c.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match=r"c.csv` cannot be read as a table"):
        read_series_file(tmp_path / "c.csv", SeriesColumns())


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read as a NumPy array"):
        read_series_file(tmp_path / "a.npy", SeriesColumns())


@pytest.mark.parametrize("values", [[[1.0, 2.0], [3.0]], [["x"]], np.zeros((0, 2))])
def test_what_is_no_series_is_an_error(values: object) -> None:
    with pytest.raises(DataError, match="a series must"):
        as_series(values)


def test_none_is_a_missing_value_in_lists() -> None:
    assert np.isnan(as_series([[1.0, None], [2.0, 3.0]])).tolist() == [[False, True], [False, False]]


def test_files_of_steps_are_read_in_every_dialect(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,126;-0,132;0,640\n" * 3)
    with pytest.raises(DataError, match="looks like a decimal comma: add --decimal comma"):
        read_series_file(path, SeriesColumns())
    assert np.allclose(read_series_file(path, SeriesColumns(), "comma"), [[0.126, -0.132, 0.64]] * 3)
    path.write_text("x;y\n1;2\n", encoding="utf-16")
    assert read_series_file(path, SeriesColumns()).tolist() == [[1, 2]]


def test_steps_are_sorted_by_dates(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "t,x\n2024-01-02,2\n2024-01-01 12:00,1\n2024-01-10,3\n")
    assert read_series_file(path, SeriesColumns(time="t")).tolist() == [[1], [2], [3]]


def test_channels_may_come_first_in_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    columns = SeriesColumns(channels_first=True)
    assert read_series_file(tmp_path / "a.npy", columns).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert as_series([1.0, 2.0], channels_first=True).tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1 + 2j, 3]), "a series must be real numbers, received complex ones"),
        (
            np.array([1.0, -1e300]),
            r"a series must have numbers of at most 3e38, received 1e\+300: scale them",
        ),
    ],
)
def test_numbers_that_would_lose_what_they_say_are_refused(tmp_path: Path, values: Any, message: str) -> None:
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(DataError, match=rf"x.npy`: {message}"):
        read_series_file(tmp_path / "x.npy", SeriesColumns())
    (tmp_path / "x.csv").write_text("a\n1\n-1e300\n")
    with pytest.raises(DataError, match=r"x.csv`: a series must have numbers of at most 3e38"):
        read_series_file(tmp_path / "x.csv", SeriesColumns())
