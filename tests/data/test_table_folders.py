"""Folders of tables: their parts, the hub's metadata tables, archives of competitions."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.opening import is_table, notes_of, open_table_file, open_tables
from perceivers.data.tables import StreamTable, has_targets
from perceivers.errors import DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def write(root: Path, **tables: str) -> Path:
    return write_files(root, {f"{stem}.csv": text for stem, text in tables.items()})


def write_files(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def opened(
    root: Path, suffixes: tuple[str, ...] = (), *, labelled: bool = True, **options: Any
) -> dict[str, Any]:
    return open_tables(DataArguments(data=str(root), **options), suffixes, labelled=labelled)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("Training", "testing"), {"train", "test"}),
        (("X_train", "X_test"), {"train", "test"}),
        (("houses",), {"train"}),
    ],
)
def test_tables_are_the_parts_that_they_are_called(
    tmp_path: Path, names: tuple[str, ...], parts: set[str]
) -> None:
    tables = opened(write(tmp_path, **{name: f"x\n{name}\n" for name in names}))
    assert set(tables) == parts
    assert {table.column("x")[0] for table in tables.values()} == set(names)
    assert notes_of(tables) == []


def test_tables_that_are_no_part_are_passed_over_with_a_note(tmp_path: Path) -> None:
    tables = opened(write(tmp_path, train="x\n1\n", test="x\n2\n", sample_submission="x\n3\n"))
    assert set(tables) == {"train", "test"}
    assert notes_of(tables) == [f"`{tmp_path}`: sample_submission.csv passed over"]


def test_two_tables_of_one_part_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.csv": "x\n1\n", "train.jsonl": '{"x": 1}\n'})
    with pytest.raises(
        DataError, match=r"holds 'train.csv' and 'train.jsonl', which both mean the part train"
    ):
        opened(tmp_path)


def test_a_single_table_beside_folders_counts_where_tables_are_asked_for(tmp_path: Path) -> None:
    write_files(tmp_path, {"houses.csv": "photo\n1.note\n", "photos/1.note": "", "plans/1.note": ""})
    assert opened(tmp_path)["train"].columns == ("photo",)
    assert opened(tmp_path, (".note",))["train"].column("label") == ["photos", "plans"]


def test_a_table_that_is_called_after_a_part_is_no_part_beside_classes(tmp_path: Path) -> None:
    write_files(tmp_path, {"train_list.csv": "x\n1\n", "cat/1.note": "", "dog/1.note": ""})
    write_files(tmp_path, {"test_list.csv": "x\n1\n"})
    assert opened(tmp_path, (".note",))["train"].column("label") == ["cat", "dog"]


def test_a_folder_without_a_table_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"photos/1.note": ""})
    with pytest.raises(
        DataError, match=r"must be a table, or a folder that holds one \(.csv, .*received the folder"
    ):
        opened(tmp_path)


def test_the_test_part_of_a_competition_has_no_targets(tmp_path: Path) -> None:
    tables = opened(write(tmp_path, train="x,target\n1,yes\n", test="x\n2\n"))
    assert [has_targets(tables[part], ["target"]) for part in ("train", "test")] == [True, False]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_metadata_lists_the_files_of_a_folder(tmp_path: Path, name: str) -> None:
    csv = "file_name,label\n1.note,cat\nin/2.note,dog\n"
    lines = '{"file_name": "1.note", "label": "cat"}\n{"file_name": "in/2.note", "label": "dog"}\n'
    write_files(tmp_path, {name: csv if name.endswith("csv") else lines, "1.note": "", "in/2.note": ""})
    table = opened(tmp_path, (".note",))["train"]
    assert [dict(table[index]) for index in range(2)] == [
        {"file": "1.note", "label": "cat"},
        {"file": "in/2.note", "label": "dog"},
    ]
    assert table.path(table[1]["file"]) == tmp_path / "in/2.note"
    # A task of tables keeps the columns as they are.
    assert opened(tmp_path)["train"].columns == ("file_name", "label")


def test_metadata_may_lie_in_the_folders_of_the_parts(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "train/metadata.csv": "file_name,label\n1.note,cat\n",
            "train/1.note": "",
            "test/metadata.csv": "file_name,label\n2.note,dog\n",
            "test/2.note": "",
        },
    )
    tables = opened(tmp_path, (".note",))
    assert {part: table.path(table[0]["file"]) for part, table in tables.items()} == {
        "train": tmp_path / "train/1.note",
        "test": tmp_path / "test/2.note",
    }


def test_metadata_of_all_parts_is_divided_by_the_folders_that_it_names(tmp_path: Path) -> None:
    text = "file_name,label\ntrain/1.note,cat\ntest/2.note,dog\ntrain/3.note,dog\n"
    write_files(tmp_path, {"metadata.csv": text, "train/1.note": "", "test/2.note": "", "train/3.note": ""})
    tables = opened(tmp_path, (".note",))
    assert {part: table.column("file") for part, table in tables.items()} == {
        "train": ["train/1.note", "train/3.note"],
        "test": ["test/2.note"],
    }
    assert tables["train"].name(1) == f"{tmp_path / 'metadata.csv'}, row 3"


def test_metadata_without_classes_takes_them_from_the_folders(tmp_path: Path) -> None:
    text = "file_name,width\ncat/1.note,3\ndog/2.note,5\n"
    write_files(tmp_path, {"metadata.csv": text, "cat/1.note": "", "dog/2.note": ""})
    assert opened(tmp_path, (".note",))["train"].column("label") == ["cat", "dog"]
    assert opened(tmp_path, (".note",), labelled=False)["train"].columns == ("file", "width")


# datasets leaves the closing of the files that it streams to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_streamed_metadata_has_the_columns_that_it_has_at_once(tmp_path: Path, name: str) -> None:
    files = {"cat/1.note": "", "dog/2.note": "", "cat/3.note": ""}
    lines = (
        [f'{{"file_name": "{file}", "age": 3}}' for file in files]
        if name.endswith("jsonl")
        else ["file_name,age", *(f"{file},3" for file in files)]
    )
    write_files(tmp_path / "all", {name: "\n".join(lines) + "\n", **files})
    once = opened(tmp_path / "all", (".note",))["train"]
    stream = opened(tmp_path / "all", (".note",), streaming=True, test_data=str(tmp_path / "all"))["train"]
    assert isinstance(stream, StreamTable)
    assert set(stream.columns) == set(once.columns) == {"file", "age", "label"}
    rows = sorted(stream.rows(0), key=lambda row: row["file"])
    assert rows == sorted((once[index] for index in range(3)), key=lambda row: row["file"])
    assert stream.column("label") == ["cat", "dog", "cat"]
    assert stream.root == once.root


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_streamed_metadata_of_all_parts_gives_the_rows_of_training_alone(tmp_path: Path) -> None:
    text = "file_name,label\ntrain/1.note,cat\ntest/2.note,dog\ntrain/3.note,dog\n"
    write_files(tmp_path, {"metadata.csv": text, "train/1.note": "", "test/2.note": "", "train/3.note": ""})
    stream = opened(tmp_path, (".note",), streaming=True, test_data=str(tmp_path))["train"]
    assert isinstance(stream, StreamTable)
    assert sorted(row["file"] for row in stream.rows(0)) == ["train/1.note", "train/3.note"]
    assert stream.notes == [
        f"`{tmp_path / 'metadata.csv'}`: of the stream, test (1 rows) left out: give these as parts of their own"
    ]


def test_a_table_called_metadata_may_be_something_else(tmp_path: Path) -> None:
    write_files(tmp_path, {"metadata.csv": "camera\nx\n", "cat/1.note": "", "dog/2.note": ""})
    assert opened(tmp_path, (".note",))["train"].column("label") == ["cat", "dog"]


# The order of a character class would be taken for its meaning: v[12] is no v1.
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_a_path_that_exists_is_no_pattern(tmp_path: Path, name: str) -> None:
    from datasets import Dataset

    for folder, value in (("v1", "wrong"), ("v[12]", "right"), ("v2", "wrong")):
        path = tmp_path / folder / name
        path.parent.mkdir()
        data = Dataset.from_dict({"x": [value]})
        {"x.csv": data.to_csv, "x.jsonl": data.to_json, "x.parquet": data.to_parquet}[name](path)
    assert open_table_file(tmp_path / "v[12]" / name).column("x") == ["right"]


# datasets leaves the closing of the files that it streams to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_path_that_is_streamed_is_no_pattern_either(tmp_path: Path, name: str) -> None:
    for folder, value in (("v1", "wrong"), ("v[12]", "right")):
        text = f"x\n{value}\n" if name == "x.csv" else f'{{"x": "{value}"}}\n'
        write_files(tmp_path, {f"{folder}/{name}": text})
    table = open_table_file(tmp_path / "v[12]" / name, DataArguments(data="x", streaming=True, test_data="x"))
    assert isinstance(table, StreamTable)
    assert [row["x"] for row in table.rows(0)] == ["right"]


def test_a_table_that_is_a_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("x,y\n1,2\n")
    for name in ("test.csv", "alone.parquet"):
        (tmp_path / name).symlink_to("gone")
    with pytest.raises(
        DataError, match=r"test\.csv` cannot be read as a table: it is a link to nothing \(gone\): fetch"
    ):
        open_tables(DataArguments(data=str(tmp_path)), ())
    with pytest.raises(
        DataError, match=r"alone\.parquet', which does not exist: it is a link to nothing \(gone\): fetch"
    ):
        open_tables(DataArguments(data=str(tmp_path / "alone.parquet")), ())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", True), ("a.CSV.GZ", True), ("a.tsv.gz", True), ("a.parquet", True), ("a.gz", False), ("a.json.xz", True),
        (".", False), ("", False),
    ],
)  # fmt: skip
def test_tables_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_table(name) is expected


def test_packed_tables_are_found_in_folders(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(f"x\n{name}\n".encode()))
    tables = opened(tmp_path)
    assert {part: table.column("x") for part, table in tables.items()} == {
        "train": ["train"],
        "test": ["test"],
    }


def test_the_notes_of_all_parts_are_given_once(tmp_path: Path) -> None:
    tables = opened(write(tmp_path, train="x;y\n1;2\n", test="x,y\n1,2\n"))
    assert notes_of(tables) == [f"`{tmp_path / 'train.csv'}` is divided by semicolons"]


def test_decimal_commas_are_asked_for(tmp_path: Path) -> None:
    root = write(tmp_path, train="x;y\n0,5;2\n", test="x;y\n1,5;2\n")
    with pytest.raises(
        DataError, match="row 1`, column 'x': received '0,5', which looks like a decimal comma"
    ):
        opened(root)["train"].numbers("x")
    tables = opened(root, decimal="comma")
    assert [tables[part].numbers("x").tolist() for part in ("train", "test")] == [[0.5], [1.5]]
    assert tables["train"].column("x") == ["0,5"]
