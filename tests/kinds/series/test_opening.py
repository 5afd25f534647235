"""Labelled series from .ts files, class folders, tables of files and long tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.arguments import DataArguments
from perceivers.data.tables import ListTable, Table
from perceivers.errors import DataError
from perceivers.kinds.series.archives import ts_table
from perceivers.kinds.series.files import SeriesColumns
from perceivers.kinds.series.opening import gather_series, is_long, open_series

COLUMNS = SeriesColumns(time="t", others=("id", "label", "file"))
LONG = [
    {"id": "b", "t": 1, "x": 5.0, "y": 50.0, "label": "up"},
    {"id": "a", "t": 2, "x": 2.0, "y": 20.0, "label": "down"},
    {"id": "a", "t": 1, "x": 1.0, "y": None, "label": "down"},
    {"id": "b", "t": 2, "x": 6.0, "y": 60.0, "label": "up"},
    {"id": "b", "t": 3, "x": 7.0, "y": 70.0, "label": "up"},
]
TS = "@classLabel true up down\n@data\n1,2,3:4,5,6:up\n1,2:3,4:down\n"


def opened(data: Path, **options: Any) -> dict[str, Table]:
    return open_series(DataArguments(data=str(data), **options), COLUMNS, "id", "label")


def long_csv(path: Path, rows: Sequence[Mapping[str, Any]] = LONG) -> Path:
    lines = [
        ",".join(rows[0]),
        *(",".join("" if v is None else str(v) for v in row.values()) for row in rows),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_steps_of_a_long_table_are_gathered_by_series_and_sorted_by_time() -> None:
    table = gather_series(ListTable(LONG, "long.csv"), COLUMNS, "id", "label")
    assert table.columns == ("series", "label")
    assert table[0]["series"].tolist() == [[5, 50], [6, 60], [7, 70]]
    assert np.array_equal(table[1]["series"], [[1, np.nan], [2, 20]], equal_nan=True)
    assert table.column("label") == ["up", "down"]
    assert [table.name(index) for index in range(2)] == ["long.csv, series b", "long.csv, series a"]


def test_steps_without_a_time_are_refused_and_times_that_are_there_twice_are_told() -> None:
    rows = [{"id": "a", "t": time, "x": float(index)} for index, time in enumerate((3, 2, 2))]
    rows.append({"id": "b", "t": 2, "x": 3.0})
    columns = SeriesColumns(time="t", others=("id",))
    table = gather_series(ListTable(rows, "long.csv"), columns, "id", None)
    assert table[0]["series"].tolist() == [[1], [2], [0]]
    assert (
        "`long.csv`: 1 of 4 steps have the time of another step of their series in the column 't'"
        in table.notes[-1]
    )
    rows[1]["t"] = None
    with pytest.raises(
        DataError, match=r"`long\.csv, row 2` has no time in the column 't', which steps are sorted by: fill"
    ):
        gather_series(ListTable(rows, "long.csv"), columns, "id", None)


def test_without_a_time_the_order_of_the_rows_holds_and_time_is_a_channel() -> None:
    columns = SeriesColumns(others=("id", "label"))
    table = gather_series(ListTable(LONG, "long.csv"), columns, "id", None)
    assert table.columns == ("series",)
    assert table[1]["series"][:, :2].tolist() == [[2, 2], [1, 1]]


@pytest.mark.parametrize(
    ("row", "change", "message"),
    [
        (
            3,
            {"label": "down"},
            "long.csv, row 4` has 'down' in the column 'label', although its series began with 'up'",
        ),
        (2, {"id": None}, "long.csv, row 3` has no value in the column 'id'"),
        (1, {"x": "fast"}, "long.csv, row 2`, column 'x': expected a number, received 'fast'"),
    ],
)
def test_a_wrong_row_of_a_long_table_is_named(row: int, change: dict[str, Any], message: str) -> None:
    rows = [{**each, **change} if index == row else each for index, each in enumerate(LONG)]
    with pytest.raises(DataError, match=message):
        gather_series(ListTable(rows, "long.csv"), COLUMNS, "id", "label")


def test_an_absent_column_of_a_long_table_is_named() -> None:
    with pytest.raises(DataError, match=r"`long.csv` must have a column 'z', received id, t, x, y, label"):
        gather_series(ListTable(LONG, "long.csv"), SeriesColumns(channels=("z",)), "id", "label")
    with pytest.raises(DataError, match=r"`long.csv` must have a column 'class'"):
        gather_series(ListTable(LONG, "long.csv"), COLUMNS, "id", "class")


def test_a_table_is_long_where_its_series_column_holds_no_arrays() -> None:
    assert is_long(ListTable(LONG, "long.csv"), "id")
    assert not is_long(ListTable([{"id": [[1.0]]}], "rows.jsonl"), "id")
    assert not is_long(ListTable(LONG, "long.csv"), "series")


def test_a_long_csv_is_opened_as_series(tmp_path: Path) -> None:
    tables = opened(long_csv(tmp_path / "steps.csv"))
    assert list(tables) == ["train"]
    assert tables["train"][0]["series"].tolist() == [[5, 50], [6, 60], [7, 70]]
    assert tables["train"].column("label") == ["up", "down"]


def test_decimal_commas_in_a_long_table_are_read_unless_something_else_is_said(tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"
    path.write_text("id;t;x;y;label\nb;1;0,5;2;up\nb;2;1,5;;up\nc;1;2,5;3;down\n")
    with pytest.raises(
        DataError, match="row 1`, column 'x': received '0,5', which looks like a decimal comma"
    ):
        opened(path, decimal="point")
    for options in ({}, {"decimal": "comma"}):
        table = opened(path, **options)["train"]
        assert np.array_equal(table.column("series")[0], [[0.5, 2], [1.5, np.nan]], equal_nan=True)
        assert table.decimal == "comma"
        assert any("read with --decimal comma" in note for note in table.notes) is not bool(options)


def test_the_other_parts_of_series_are_written_as_the_training_part(tmp_path: Path) -> None:
    train, test = tmp_path / "steps.csv", tmp_path / "test.csv"
    train.write_text("id;t;x;y;label\nb;1;1,5;2;up\nc;1;2,5;3;down\n")
    test.write_text("id;t;x;y;label\nd;1;1,234;2;up\n")
    tables = opened(train, test_data=str(test))
    assert tables["test"][0]["series"].tolist() == [[np.float32(1.234), 2]]
    train.write_text(train.read_text().replace("1,5", "1,500.5").replace("2,5", "7"))
    assert opened(train, test_data=str(test))["test"][0]["series"].tolist() == [[1234, 2]]


def test_what_is_no_channel_says_nothing_of_how_channels_are_written(tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"
    path.write_text("id;t;x;y;label\nb;1;0,5;2;1.5\nc;1;2,5;3;2.5\n")
    assert opened(path)["train"].decimal == "comma"
    named = replace(COLUMNS, channels=("y",))
    tables = open_series(DataArguments(data=str(path)), named, "id", "label")
    assert tables["train"].decimal == "point"


def test_files_of_steps_tell_how_they_write_numbers(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("t;x;y\n1;0,5;2\n2;1,5;3\n")
    (tmp_path / "list.csv").write_text("file,label\na.csv,up\ngone.csv,up\nb.csv,down\n")
    table = opened(tmp_path / "list.csv")["train"]
    assert table.decimal == "comma"
    assert f"'0,5' (`{tmp_path / 'a.csv'}, row 1`, column 'x')" in table.notes[-1]


def test_ts_files_are_told_apart_by_the_end_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "Steps_TRAIN.ts").write_text(TS)
    (tmp_path / "Steps_TEST.ts").write_text(TS.replace("1,2:3,4:down\n", ""))
    tables = opened(tmp_path)
    assert {part: len(table) for part, table in tables.items()} == {"train": 2, "test": 1}
    assert tables["train"][0]["series"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert tables["train"].column("label") == ["up", "down"]
    assert tables["train"].name(1) == f"{tmp_path / 'Steps_TRAIN.ts'}, line 4"


def test_a_ts_file_can_be_the_test_data_of_another(tmp_path: Path) -> None:
    for name in ("one.ts", "other.ts"):
        (tmp_path / name).write_text(TS)
    tables = opened(tmp_path / "one.ts", test_data=str(tmp_path / "other.ts"))
    assert [tables[part].source for part in ("train", "test")] == [
        str(tmp_path / "one.ts"),
        str(tmp_path / "other.ts"),
    ]


def test_a_test_part_in_whose_place_another_is_given_is_noted(tmp_path: Path) -> None:
    archive = tmp_path / "steps"
    archive.mkdir()
    for path in (archive / "Steps_TRAIN.ts", archive / "Steps_TEST.ts", tmp_path / "other.ts"):
        path.write_text(TS)
    tables = opened(archive, test_data=str(tmp_path / "other.ts"))
    assert tables["test"].source == str(tmp_path / "other.ts")
    assert tables["train"].notes == [
        f"`{archive / 'Steps_TEST.ts'}` is not used: `test_data` is given in its place"
    ]


def test_ts_files_of_several_data_sets_are_refused(tmp_path: Path) -> None:
    for name in ("one.ts", "other.ts"):
        (tmp_path / name).write_text(TS)
    with pytest.raises(DataError, match=r"must hold .ts files of one data set, .* received one.ts, other.ts"):
        opened(tmp_path)


def test_a_folder_without_a_training_part_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Steps_TEST.ts").write_text(TS)
    with pytest.raises(DataError, match="must have a part `train`, received only test"):
        opened(tmp_path)


def test_a_ts_file_without_classes_has_no_column_for_them(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("@classLabel false\n@data\n1,2\n")
    assert ts_table(tmp_path / "a.ts").columns == ("series",)


def test_class_folders_and_tables_of_files_are_handed_on(tmp_path: Path) -> None:
    for name in ("up", "down"):
        (tmp_path / "folders" / name).mkdir(parents=True)
        (tmp_path / "folders" / name / "1.csv").write_text("1,2\n")
    table = opened(tmp_path / "folders")["train"]
    assert table.columns == ("file", "label")
    assert table.column("label") == ["down", "up"]
    (tmp_path / "list.csv").write_text("file,label\nfolders/up/1.csv,up\n")
    table = opened(tmp_path / "list.csv")["train"]
    assert table.path(table[0]["file"]).is_file()


def test_series_are_not_streamed(tmp_path: Path) -> None:
    path = str(long_csv(tmp_path / "steps.csv"))
    with pytest.raises(DataError, match="`streaming` is not possible with series"):
        opened(tmp_path / "steps.csv", streaming=True, test_data=path)


def test_an_index_of_pandas_is_no_channel_and_channels_are_found_by_name_in_other_parts(
    tmp_path: Path,
) -> None:
    rows = [
        {"": row, "id": f"s{row // 6}", "x": row * 7 % 5, "y": row * 3 % 11, "label": "ab"[row // 12]}
        for row in range(24)
    ]
    long_csv(tmp_path / "train.csv", rows)
    long_csv(tmp_path / "test.csv", [{name: row[name] for name in ("y", "label", "id", "x")} for row in rows])
    tables = open_series(
        DataArguments(data=str(tmp_path)), SeriesColumns(others=("id", "label")), "id", "label"
    )
    assert tables["train"].channels == ("x", "y")  # type: ignore[attr-defined]
    assert tables["test"][1]["series"].tolist() == tables["train"][1]["series"].tolist()
    assert tables["train"].notes == [
        f"`{tmp_path / 'train.csv'}`: the channels are x, y; left out: Unnamed: 0 (has no name and only counts); "
        "`--channel-columns NAMES` says which are channels, `--time-column NAME` sorts by one"
    ]


@pytest.mark.parametrize("form", [".tsv", ".txt", ""])
def test_the_files_of_the_ucr_archive_are_parts(tmp_path: Path, form: str) -> None:
    for part in ("TRAIN", "TEST"):
        lines = [f"{label}\t" + "\t".join(map(str, range(9))) for label in (1, 2)]
        (tmp_path / f"X_{part}{form}").write_text("\n".join(lines) + "\n")
    (tmp_path / "README.md").write_text("about")
    tables = opened(tmp_path)
    assert {part: table.column("label") for part, table in tables.items()} == {
        "train": ["1", "2"],
        "test": ["1", "2"],
    }
    assert opened(tmp_path / f"X_TEST{form}")["train"][0]["series"].shape == (9, 1)


def test_arff_files_are_read_and_ts_files_go_before_them(tmp_path: Path) -> None:
    arff = "@relation X\n@attribute a numeric\n@attribute c {up,down}\n@data\n1,up\n2,down\n"
    (tmp_path / "X_TRAIN.arff").write_text(arff)
    assert opened(tmp_path)["train"].column("label") == ["up", "down"]
    (tmp_path / "X_TRAIN.ts").write_text(TS)
    assert opened(tmp_path)["train"][0]["series"].shape == (3, 2)


def test_a_table_with_a_row_a_series_is_opened(tmp_path: Path) -> None:
    rows = [{"label": "ab"[row % 2], **{f"t{step}": row * step % 5 for step in range(9)}} for row in range(4)]
    table = opened(long_csv(tmp_path / "wide.csv", rows))["train"]
    assert table[1]["series"].tolist() == [[step % 5] for step in range(9)]


def test_channels_first_is_for_arrays_alone(tmp_path: Path) -> None:
    columns = SeriesColumns(others=("id", "label"), channels_first=True)
    with pytest.raises(DataError, match="`channels_first` is for arrays"):
        open_series(DataArguments(data=str(long_csv(tmp_path / "long.csv"))), columns, "id", "label")
