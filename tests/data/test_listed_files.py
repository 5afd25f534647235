"""Tables that list the files beside them by name or id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.opening import open_tables
from perceivers.errors import DataError

SUFFIXES = (".note",)


def write(root: Path, table: str, text: str, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / table).write_text(text)
    return root


def opened(data: Path, **options: Any) -> dict[str, Any]:
    return dict(open_tables(DataArguments(data=str(data)), options.pop("suffixes", SUFFIXES), **options))


@pytest.mark.parametrize(
    "names", [("000010", "000011"), ("000010.note", "000011.note"), ("images/000010", "images/000011")]
)
def test_files_are_found_by_id_name_and_path(tmp_path: Path, names: tuple[str, str]) -> None:
    text = f"id,label\n{names[0]},1.10\n{names[1]},1.1\n"
    write(tmp_path, "labels.csv", text, "images/000010.note", "images/000011.note")
    for data in (tmp_path, tmp_path / "labels.csv"):
        table = opened(data)["train"]
        assert table.column("file") == ["images/000010.note", "images/000011.note"]
        assert table.column("label") == ["1.10", "1.1"]
        assert table.path(table[1]["file"]).read_text() == "images/000011.note"
        assert table.take([1]).as_called(table[1])["id"] == names[1]
        assert f"`{tmp_path / 'labels.csv'}`: the column id lists files of `{tmp_path}`" in table.notes


def test_the_files_of_a_part_lie_in_its_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        "train.csv",
        "id,label\n1,a\n2,b\n",
        "train/1.note",
        "train/2.note",
        "test/1.note",
        "test/2.note",
    )
    write(tmp_path, "test.csv", "id\n1\n2\n")
    tables = opened(tmp_path)
    assert {part: table.column("file") for part, table in tables.items()} == {
        part: [f"{part}/1.note", f"{part}/2.note"] for part in ("train", "test")
    }


def test_a_row_without_its_file_keeps_what_it_names(tmp_path: Path) -> None:
    rows = "".join(f"{number},a\n" for number in range(20))
    write(tmp_path, "t.csv", "id,label\n" + rows, *(f"in/{number}.note" for number in range(19)))
    assert opened(tmp_path / "t.csv")["train"].column("file")[18:] == ["in/18.note", "19"]


def test_paths_and_classes_stay_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "file,label\nin/0.note,0\nin/1.note,1\n", "in/0.note", "in/1.note")
    table = opened(tmp_path / "t.csv")["train"]
    assert (table.columns, table.notes) == (("file", "label"), [])
    write(tmp_path, "u.csv", "text,label\nhello,0\nmore,1\nthere,0\n")
    assert opened(tmp_path / "u.csv")["train"].columns == ("text", "label")


def test_class_folders_go_before_a_list(tmp_path: Path) -> None:
    write(tmp_path, "labels.csv", "id,label\n1,x\n2,y\n", "cat/1.note", "dog/2.note")
    assert opened(tmp_path)["train"].column("label") == ["cat", "dog"]


@pytest.mark.parametrize("name", ["train_labels.csv", "labels.csv", "train.csv", "labels-train.csv"])
def test_a_list_beside_the_folders_of_parts_is_that_of_the_training_part(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "id,label\n2,x\n3,y\n5,x\n", *(f"train/{number}.note" for number in (2, 3, 5)))
    # Names of files come again in the test part, and what is to be handed in lists them.
    write(tmp_path, "sample.csv", "id,label\n2,0\n3,0\n", "test/2.note", "test/3.note")
    for data in (tmp_path, tmp_path / name):
        if data.is_file() and name == "labels.csv":
            continue
        table = opened(data)["train"]
        assert table.column("file") == ["train/2.note", "train/3.note", "train/5.note"]
        assert table.column("label") == ["x", "y", "x"]


def test_each_part_may_have_its_list(tmp_path: Path) -> None:
    write(tmp_path, "train_labels.csv", "id,label\n2,x\n3,y\n", "train/2.note", "train/3.note")
    write(tmp_path, "test_labels.csv", "id,label\n2,y\n3,x\n", "test/2.note", "test/3.note")
    tables = opened(tmp_path)
    assert {part: (table.column("file"), table.column("label")) for part, table in tables.items()} == {
        "train": (["train/2.note", "train/3.note"], ["x", "y"]),
        "test": (["test/2.note", "test/3.note"], ["y", "x"]),
    }


def test_a_list_may_lie_in_a_folder_beside_the_files(tmp_path: Path) -> None:
    write(tmp_path, "about.txt", "", "audio/2.note", "audio/3.note", "audio/5.note", "meta/about.txt")
    write(tmp_path, "meta/list.csv", "filename,category\n2.note,x\n3.note,y\n5.note,x\n")
    table = opened(tmp_path)["train"]
    assert table.column("filename") == ["audio/2.note", "audio/3.note", "audio/5.note"]
    assert table.path(table[1]["file"]).read_text() == "audio/3.note"
    with pytest.raises(DataError, match=r"list\.csv`: the column filename lists files of `.*audio`, which lies beside the "
                       "table's folder, not in it: give the folder above both as `data`"):  # fmt: skip
        opened(tmp_path / "meta" / "list.csv")


def test_a_table_of_any_columns_may_list_files(tmp_path: Path) -> None:
    write(tmp_path, "train_labels.csv", "id,age,label\n2,7,x\n3,5,y\n", "train/2.note", "train/3.note")
    for data in (tmp_path, tmp_path / "train_labels.csv"):
        table = opened(data, suffixes=(), listed=SUFFIXES)["train"]
        assert table.columns == ("id", "age", "label")
        assert table.column("id") == ["train/2.note", "train/3.note"]
    (plain,) = opened(tmp_path, suffixes=()).values()
    assert plain.column("id") == ["2", "3"]
