"""What `--data` may be, and what each mistake is answered with."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.bundled import BUNDLED
from perceivers.data.opening import find_files, open_table_file, open_tables
from perceivers.data.tables import ListTable, StreamTable
from perceivers.errors import DataError, MissingExtraError

SUFFIXES = (".note",)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def opened(data: Path | str, **options: Any) -> dict[str, Any]:
    labelled = options.pop("labelled", True)
    return open_tables(DataArguments(data=str(data), **options), SUFFIXES, labelled=labelled)


def write(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    write(
        tmp_path,
        "cat/a.note",
        "cat/deep/b.NOTE",
        "dog/c.note",
        "dog/readme.txt",
        "dog/.d.note",
        ".git/e.note",
    )
    tables = opened(tmp_path)
    assert list(tables) == ["train"]
    rows = [tables["train"][index] for index in range(len(tables["train"]))]
    assert rows == [
        {"file": str(tmp_path / "cat/a.note"), "label": "cat"},
        {"file": str(tmp_path / "cat/deep/b.NOTE"), "label": "cat"},
        {"file": str(tmp_path / "dog/c.note"), "label": "dog"},
    ]
    assert tables["train"].name(2) == str(tmp_path / "dog/c.note")


def test_parts_may_be_folders_above_the_classes(tmp_path: Path) -> None:
    write(tmp_path, "train/cat/a.note", "val/cat/b.note", "test/dog/c.note")
    tables = opened(tmp_path)
    assert {part: table[0]["label"] for part, table in tables.items()} == {
        "train": "cat",
        "validation": "cat",
        "test": "dog",
    }


def test_classes_that_are_called_like_parts_stay_classes(tmp_path: Path) -> None:
    write(tmp_path, "train/a.note", "plane/b.note")
    assert opened(tmp_path)["train"].column("label") == ["plane", "train"]


def test_files_without_classes_are_a_column(tmp_path: Path) -> None:
    write(tmp_path, "b.note", "deep/a.note")
    table = opened(tmp_path, labelled=False)["train"]
    assert table.columns == ("file",)
    assert table.column("file") == [str(tmp_path / "b.note"), str(tmp_path / "deep/a.note")]
    alone = opened(tmp_path / "b.note", labelled=False)["train"]
    assert alone.column("file") == [str(tmp_path / "b.note")]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "must hold one sub-folder per class, received"),
        (("a.note",), "must hold one sub-folder per class, received"),
        (("cat/a.txt", "dog/b.note"), r"cat` is a class without files \(.note\)"),
        (("val/cat/a.note", "test/cat/b.note"), "must hold a folder `train` beside test, val"),
    ],
)
def test_folders_that_cannot_be_used_are_named(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(write(tmp_path, *names))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "/no/such",
            r"`data` must be a bundled name \(.*digits.*a folder, a table.*received '/no/such', which does not exist",
        ),
        (
            "nobody/nothing",
            "`data` 'nobody/nothing' is no folder or file here and cannot be loaded from the hub",
        ),
    ],
)
def test_data_that_do_not_exist_are_named(data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(data)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.note")
    with pytest.raises(DataError, match=r"must be a folder or a table \(.csv, .tsv.*received the file"):
        opened(tmp_path / "a.note")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", 'text,label\nNA,1\n"a, b",2\n'),
        ("x.tsv", "text\tlabel\nNA\t1\na, b\t2\n"),
        ("x.jsonl", '{"text": "NA", "label": 1}\n{"text": "a, b", "label": 2}\n'),
        ("x.json", '[{"text": "NA", "label": 1}, {"text": "a, b", "label": 2}]'),
    ],
)
def test_tables_are_read_in_every_format(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    table = opened(path)["train"]
    assert table.columns == ("text", "label")
    # The cells of a text table are text; JSON has types of its own.
    one, two = (1, 2) if name.startswith("x.json") else ("1", "2")
    assert [table[index] for index in range(2)] == [
        {"text": "NA", "label": one},
        {"text": "a, b", "label": two},
    ]
    assert table.column("label") == [one, two]
    assert table.numbers("label").tolist() == [1.0, 2.0]
    assert table.name(1) == f"{path}, row 2"
    assert table.path("pictures/a.png") == tmp_path / "pictures" / "a.png"


def test_parquet_keeps_names_of_classes(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    rows = {"text": ["a", "b", "c"], "label": [1, 0, 1]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "x.parquet")
    table = opened(tmp_path / "x.parquet")["train"]
    assert table.column("label") == ["yes", "no", "yes"]
    assert table[1] == {"text": "b", "label": "no"}


def test_a_class_that_is_not_told_is_missing(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    rows = {"text": ["a", "b", "c"], "label": [-1, 1, None]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "x.parquet")
    table = opened(tmp_path / "x.parquet")["train"]
    assert table.column("label") == [None, "yes", None]
    assert [table[index]["label"] for index in range(3)] == [None, "yes", None]


def test_pictures_in_a_table_are_left_as_bytes(tmp_path: Path) -> None:
    from datasets import Dataset, Features, Image

    data = {"image": [{"bytes": b"not decoded", "path": None}]}
    Dataset.from_dict(data, features=Features({"image": Image()})).to_parquet(tmp_path / "x.parquet")
    assert opened(tmp_path / "x.parquet")["train"][0]["image"]["bytes"] == b"not decoded"


def test_a_folder_may_hold_the_tables_of_the_parts(tmp_path: Path) -> None:
    for name, value in (("train", 1), ("dev", 2), ("test", 3)):
        (tmp_path / f"{name}.csv").write_text(f"x\n{value}\n")
    tables = opened(tmp_path)
    assert {part: table.column("x") for part, table in tables.items()} == {
        "train": ["1"],
        "validation": ["2"],
        "test": ["3"],
    }


def test_parts_may_be_given_apart(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        (tmp_path / f"{name}.csv").write_text(f"x\n{value}\n")
    tables = opened(
        tmp_path / "a.csv", validation_data=str(tmp_path / "b.csv"), test_data=str(tmp_path / "c.csv")
    )
    assert {part: table.column("x") for part, table in tables.items()} == {
        "train": ["1"],
        "validation": ["2"],
        "test": ["3"],
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "`.*x.csv` cannot be read as a table"),
        ("x.csv", b"a,b\n", "`.*x.csv` cannot be read as a table: .* no data"),
        ("x.jsonl", b"{torn", "`.*x.jsonl`: this is no JSON"),
        ("x.xlsx", b"PK", "received the file '.*x.xlsx', a spreadsheet: save it as CSV"),
        ("x.txt", b"a", "received the file '.*x.txt'; if it is a table, call it .csv"),
        ("x.zip", b"PK", "received the file '.*x.zip', an archive: unpack it"),
        ("x.parquet", b"PAR1 torn", "`.*x.parquet` cannot be read as a table"),
    ],
)
def test_a_torn_table_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        opened(tmp_path / name)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_parts_of_a_folder_are_those_of_its_stream_too(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.csv").write_text(f"x\n{name}\n")
    tables = opened(tmp_path, streaming=True)
    assert isinstance(tables["train"], StreamTable)
    assert {part: table.column("x") for part, table in tables.items()} == {
        "train": ["train"],
        "validation": ["valid"],
        "test": ["test"],
    }
    others = opened(tmp_path, test_data=str(tmp_path / "train.csv"))
    assert others["test"].column("x") == ["train"]
    assert (
        f"`{tmp_path / 'test.csv'}` is not used: `test_data` is given in its place" in others["train"].notes
    )
    (tmp_path / "train_labels.csv").write_text("y\n1\n")
    with pytest.raises(DataError, match="cannot be joined to it with `streaming`"):
        opened(tmp_path, streaming=True)
    gc.collect()


# datasets leaves the closing of the files that it streams to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_reads_every_row_once_and_in_another_order_each_pass(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("x\n" + "".join(f"{value}\n" for value in range(37)))
    tables = opened(
        tmp_path / "train.csv", streaming=True, test_data=str(tmp_path / "test.csv"), shuffle_buffer=20
    )
    stream = tables["train"]
    assert isinstance(stream, StreamTable)
    assert stream.columns == ("x",)
    assert stream.column("x") == [str(value) for value in range(37)]
    first, again, second = ([row["x"] for row in stream.rows(epoch)] for epoch in (0, 0, 1))
    assert sorted(map(int, first)) == sorted(map(int, second)) == list(range(37))
    assert first == again
    assert first != second
    assert len(tables["test"]) == 37
    del stream, tables
    gc.collect()


@pytest.mark.parametrize("data", ["digits", "folder"])
def test_only_tables_stream(tmp_path: Path, data: str) -> None:
    write(tmp_path, "folder/cat/a.note", "folder/dog/a.note")
    path = data if data in BUNDLED else str(tmp_path / data)
    with pytest.raises(
        DataError, match="`streaming` needs a table or a data set on the hub, received `data`"
    ):
        opened(path, streaming=True, test_data="digits")


def test_files_are_found_among_files_and_in_folders(tmp_path: Path) -> None:
    write(tmp_path, "in/b.note", "in/a.txt", "c.txt")
    found = find_files([str(tmp_path / "c.txt"), str(tmp_path / "in")], SUFFIXES, "note")
    assert found == [tmp_path / "c.txt", tmp_path / "in" / "b.note"]
    with pytest.raises(DataError, match=r"gone` does not exist"):
        find_files([str(tmp_path / "gone")], SUFFIXES, "note")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty` holds no note \(.note\)"):
        find_files([str(tmp_path / "empty")], SUFFIXES, "note")


def test_missing_datasets_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r'`datasets`.*pip install "perceivers\[train\]"'):
        open_table_file(tmp_path / "x.parquet")


@pytest.mark.parametrize("name", ["asked.csv", "asked.jsonl", "asked.json"])
def test_tables_of_text_need_no_package(tmp_path, monkeypatch, name):
    text = {
        "asked.csv": "size;note\n001;red\n7;\n",
        "asked.jsonl": '{"size": "001", "note": "red"}\n{"size": "7"}\n',
        "asked.json": '[{"size": "001", "note": "red"}, {"size": "7"}]',
    }[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with_package = open_table_file(path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    table = open_table_file(path, DataArguments(data=str(path), decimal="comma"))
    assert isinstance(table, ListTable)
    assert [table[index] for index in range(2)] == [with_package[index] for index in range(2)]
    assert (table.root, table.decimal) == (tmp_path, "comma")
    assert list(table.notes) == list(with_package.notes)


def test_streams_need_the_package_too(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    path = tmp_path / "asked.csv"
    path.write_text("size,note\n1,red\n", encoding="utf-8")
    arguments = DataArguments(data=str(path), test_data=str(path), streaming=True)
    with pytest.raises(MissingExtraError, match="`datasets`"):
        open_table_file(path, arguments)


def test_a_column_that_divides_the_rows_is_told_of_where_nothing_follows_it(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,split\n1,train\n2,test\n")
    (note,) = opened(tmp_path / "rows.csv")["train"].notes
    assert note == (
        f"`{tmp_path / 'rows.csv'}`: the column split says which part each row is of (train, test), which is not followed: "
        "write the rows of each into a table of its own, train.csv, test.csv, and give the folder of these as `data`"
    )
    (tmp_path / "rows.csv").rename(tmp_path / "train.csv")
    (tmp_path / "test.csv").write_text("x,split\n3,test\n")
    assert opened(tmp_path)["train"].notes == [], "the tables are parts themselves"
