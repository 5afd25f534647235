"""Tables with a row a series, and the files of the UCR archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.series.wide import in_order_of_numbers, is_archive_file, read_archive_file, wide_table

ROWS = [
    {"kind": "ab"[row % 2], **{f"t{step}": str((row + 3) * step % 7) for step in range(11)}}
    for row in range(5)
]


def test_columns_of_numbers_are_the_steps_of_each_row() -> None:
    rows = [{"note": "fine", **row} for row in ROWS]
    table = wide_table(ListTable(rows, "wide.csv"), "series", "kind")
    assert table is not None
    assert table.columns == ("series", "kind")
    assert table[1]["series"].tolist() == [[4 * step % 7] for step in range(11)]
    assert table.column("kind") == ["a", "b", "a", "b", "a"]
    assert table.notes == [
        "`wide.csv`: each row is one series, its steps in the 11 columns t0 to t10; left out: note"
    ]


def test_the_end_of_a_shorter_series_is_no_value() -> None:
    rows = [{**row, "t10": "", "t9": "" if row["kind"] == "a" else "1"} for row in ROWS]
    table = wide_table(ListTable(rows, "wide.csv"), "series", "kind")
    assert table is not None
    assert [len(series) for series in table.column("series")] == [9, 10, 9, 10, 9]


def test_a_table_of_few_numbers_or_without_classes_is_not_wide() -> None:
    assert wide_table(ListTable(ROWS, "wide.csv"), "series", "label") is None
    few = [{name: row[name] for name in ("kind", "t0", "t1", "t2")} for row in ROWS]
    assert wide_table(ListTable(few, "wide.csv"), "series", "kind") is None


def test_steps_in_the_order_of_letters_are_taken_by_their_numbers() -> None:
    rows = [{name: row[name] for name in sorted(row)} for row in ROWS]
    table = wide_table(ListTable(rows, "wide.csv"), "series", "kind")
    assert table is not None
    assert list(rows[0])[:4] == ["kind", "t0", "t1", "t10"]
    assert table.steps == tuple(f"t{step}" for step in range(11))
    assert table[1]["series"].tolist() == [[4 * step % 7] for step in range(11)]
    assert table.notes == [
        "`wide.csv`: each row is one series, its steps in the 11 columns t0 to t10, which stand in another order"
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["t1", "t10", "t3", "t2"],
        ["lag3", "lag2", "lag1"],
        ["a1", "a10", "b2"],
        ["first", "second", "third"],
        ["t1", "t2", "x"],
    ],
)
def test_other_names_stay_in_their_order(names: list[str]) -> None:
    assert in_order_of_numbers(names) == names


def test_known_steps_are_found_by_their_names_with_classes_or_without() -> None:
    known = [f"t{step}" for step in (3, 0, 1, 2, 4, 5, 6, 7, 8, 9, 10)]
    rows = [{"size": 5, **{name: row[name] for name in reversed(row)}} for row in ROWS]
    table = wide_table(ListTable(rows, "wide.csv"), "series", "kind", known)
    assert table is not None
    assert table[1]["series"][:3].tolist() == [[5], [0], [4]]
    assert table.notes[0].endswith("columns t3 to t10, which stand in another order; left out: size")
    for row in rows:
        del row["kind"]  # type: ignore[misc]
    unlabelled = wide_table(ListTable(rows, "wide.csv"), "series", "kind", known)
    assert unlabelled is not None
    assert unlabelled.columns == ("series",)
    assert unlabelled[1]["series"].tolist() == table[1]["series"].tolist()


def test_the_first_of_known_steps_are_shorter_series_and_a_gap_is_an_error() -> None:
    known = [f"t{step}" for step in range(11)]
    first = [{name: row[name] for name in ("kind", *known[:9])} for row in ROWS]
    table = wide_table(ListTable(first, "wide.csv"), "series", "kind", known)
    assert table is not None
    assert len(table[0]["series"]) == 9
    gap = [{name: cell for name, cell in row.items() if name not in ("t4", "t7")} for row in ROWS]
    with pytest.raises(DataError, match="received t0 and others but no t4, t7: add them, empty where"):
        wide_table(ListTable(gap, "wide.csv"), "series", "kind", known)


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("1\t" + "\t".join(map(str, range(9))), "1"),
        ("  -1.0000000e+00  " + "  ".join(map(str, range(9))), "-1"),
        ("2," + ",".join(map(str, range(9))), "2"),
    ],
)
def test_the_forms_of_the_archive_are_read(tmp_path: Path, line: str, label: str) -> None:
    path = tmp_path / "X_TRAIN"
    path.write_text(f"{line}\n{line.replace('8', 'NaN')}\n")
    assert is_archive_file(path)
    table = read_archive_file(path, "series", "label")
    assert [row["label"] for row in (table[0], table[1])] == [label, label]
    assert table[0]["series"].tolist() == [[step] for step in range(9)]
    assert len(table[1]["series"]) == 8
    assert table.notes == [f"`{path}`: each line is one series, its class first and then 9 steps"]


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "0.5 1 2 3 4 5 6 7 8\n", "1 2 3\n", "", "1 2 3 4 5 6 7 8 x\n"]
)
def test_other_texts_are_none_of_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    assert not is_archive_file(tmp_path / "x")
    assert not is_archive_file(tmp_path / "absent")


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1 " + "2 " * 9 + "\n1 2 3\n")
    with pytest.raises(DataError, match=r"x`, line 2: expected a class and 9 numbers, received '1 2 3'"):
        read_archive_file(tmp_path / "x", "series", "label")
