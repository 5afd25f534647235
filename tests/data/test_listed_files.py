"""Tables that list the files beside them by name or id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.opening import open_tables

SUFFIXES = (".note",)


def write(root: Path, table: str, text: str, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / table).write_text(text)
    return root


def opened(data: Path) -> dict[str, Any]:
    return dict(open_tables(DataArguments(data=str(data)), SUFFIXES))


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
