"""Torn rows of tables: named, left out where that is asked for, and nothing else goes with them."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

import perceivers.data.delimited
from perceivers.arguments.data import DataArguments
from perceivers.data.delimited import DelimitedFile
from perceivers.data.json_lines import JsonFile
from perceivers.data.opening import open_table_file
from perceivers.data.rows import StreamSamples, load_splits
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError

# Row 2 has three fields, row 4 a quote that none closes, row 6 a field of two lines, as it may have.
QUOTED = 'a,b\n1,x\n2,x,y\n3,x\n4,"torn\n5,"x"\n6,"two\nlines"\n7,x\n'


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(path: Path, **choices: object) -> Table:
    arguments = DataArguments(data=str(path), unreadable="skip", **choices)  # type: ignore[arg-type]
    table = open_table_file(path, arguments)
    assert isinstance(table, Table)
    return table


def test_a_quote_that_none_closes_takes_its_own_line_alone(tmp_path: Path) -> None:
    table = opened(write(tmp_path, "x.csv", QUOTED))
    assert table.column("a") == ["1", "3", "5", "6", "7"]
    assert table.column("b") == ["x", "x", "x", "two\nlines", "x"]
    source = table.source
    assert [line.partition(": ")[0] for line in table.left_out] == [
        f"`{source}`, row 2 (line 3)",
        f"`{source}`, row 4 (line 5)",
    ]
    assert "expected 2 fields as in the first line, received 3" in table.left_out[0]
    assert "a quote opens a field and none closes it" in table.left_out[1]
    # Rows keep the numbers that they have in the file.
    assert [table.name(index) for index in range(5)] == [f"{source}, row {row}" for row in (1, 3, 5, 6, 7)]


def test_without_leave_the_first_torn_row_stops_and_the_option_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", QUOTED)
    with pytest.raises(
        DataError, match=r"x.csv`, row 2 \(line 3\): .* or leave it out with --unreadable skip"
    ):
        open_table_file(path, DataArguments(data=str(path)))


def test_a_swallowed_row_far_down_is_found_although_the_fields_are_as_many(tmp_path: Path) -> None:
    # The quote of row 61 is closed by that of row 62, and the two of them have two fields.
    rows = [f"{row},x" for row in range(1, 61)] + ['61,"torn', '62,"x"', "63,x"]
    path = write(tmp_path, "x.csv", "\n".join(["a,b", *rows]))
    with pytest.raises(DataError, match=r"row 61 \(line 62\): a quote opens a field"):
        list(DelimitedFile.look_at(path).rows())
    assert opened(path).column("a") == [str(row) for row in range(1, 64) if row != 61]


def test_torn_rows_stay_in_place_where_they_are_to_be_answered_for(tmp_path: Path) -> None:
    table = open_table_file(write(tmp_path, "x.csv", QUOTED))
    assert isinstance(table, Table)
    assert list(table.torn) == [1, 3]
    assert table.column("a") == ["1", None, "3", None, "5", "6", "7"]
    some = table.take([3, 4])
    with pytest.raises(DataError, match="row 4"):
        some[0]
    assert some[1] == {"a": "5", "b": "x"}


def test_a_file_of_torn_rows_alone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", '{"a": \n{"a": \n')
    with pytest.raises(DataError, match=r"x.jsonl`: this is no JSON"):
        opened(path)


def test_a_byte_that_is_no_letter_costs_its_row_alone(tmp_path: Path) -> None:
    # Two lines of UTF-8 against one that is none: as Windows-1252, all would have other letters.
    content = "a,b\n1,ä\n2,ö\n3,?\n".encode().replace(b"?", b"\xc3")
    table = opened(write(tmp_path, "x.csv", content))
    assert table.column("b") == ["ä", "ö"]
    assert "row 3 (line 4): it holds bytes that are no UTF-8" in table.left_out[0]
    lines = '{"b": "ä"}\n{"b": "ö"}\n{"b": "?"}\n'.encode().replace(b"?", b"\xc3")
    assert opened(write(tmp_path, "x.jsonl", lines)).column("b") == ["ä", "ö"]


def test_letters_of_windows_are_read_as_such_and_said_in_json_too(tmp_path: Path) -> None:
    table = opened(write(tmp_path, "x.jsonl", '{"b": "ä"}\n{"b": "ö"}\n'.encode("cp1252")))
    assert table.column("b") == ["ä", "ö"]
    assert "was read as Windows-1252" in table.notes[0]


@pytest.mark.parametrize("torn", [0, 1, 3])
def test_a_torn_line_of_json_is_left_out_wherever_it_is(tmp_path: Path, torn: int) -> None:
    lines = [f'{{"a": {row}}}' for row in range(4)]
    lines[torn] = lines[torn][:-1]
    path = write(tmp_path, "x.jsonl", "\n".join(lines))
    table = opened(path)
    assert table.column("a") == [row for row in range(4) if row != torn]
    assert f"row {torn + 1} (line {torn + 1}): this is no JSON" in table.left_out[0]
    with pytest.raises(DataError, match="mend the line, or leave it out with --unreadable skip"):
        list(JsonFile(path).rows())


def test_a_text_that_is_no_utf8_in_parquet_costs_its_row_alone(tmp_path: Path) -> None:
    cells = pyarrow.array([b"ab", b"\xff", b"cd"], pyarrow.binary())
    texts = pyarrow.StringArray.from_buffers(3, cells.buffers()[1], cells.buffers()[2])
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.table({"a": texts, "n": [1, 2, 3]}), path)
    table = opened(path)
    assert table.column("a") == ["ab", "cd"]
    assert "row 2: the column 'a' holds a text that is no UTF-8" in table.left_out[0]
    with pytest.raises(DataError, match=r"row 2.*--unreadable skip"):
        open_table_file(path, DataArguments(data=str(path)))


def test_a_large_file_remembers_its_torn_rows_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(perceivers.data.delimited, "LARGEST_HELD", 1)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    path = write(tmp_path, "x.csv", "a,b\n1,x\n2\n3,x\n")
    for _ in range(2):
        table = opened(path)
        assert table.column("a") == ["1", "3"]
        assert len(table.left_out) == 1
    with pytest.raises(DataError, match=r"row 2 \(line 3\)"):
        open_table_file(path, DataArguments(data=str(path)))


def identity(row: object, table: object) -> object:
    return row


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.csv", "a,b\n1,x\n2\n3,x\n"), ("x.jsonl", '{"a": "1"}\n{"a": \n{"a": "3"}\n')],
)
def test_a_stream_leaves_them_out_too_and_names_each_once(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path, name, content)
    arguments = DataArguments(data=str(path), streaming=True, unreadable="skip")
    table = open_table_file(path, arguments)
    assert isinstance(table, StreamTable)
    parts = {"train": table, "test": opened(path)}
    train = load_splits(arguments, parts, identity).train
    assert isinstance(train, StreamSamples)
    for epoch in range(2):
        assert sorted(row["a"] for _, row in train.samples(epoch)) == ["1", "3"]
    assert len(train.unreadable) == 1
    assert "row 2 (line " in train.unreadable[0]


def test_what_is_left_out_of_a_table_is_among_the_samples_that_are(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "a,b\n1,x\n2\n" + "3,x\n" * 9)
    arguments = DataArguments(data=str(path), unreadable="skip")
    splits = load_splits(arguments, {"train": opened(path)}, identity)
    assert len(splits.unreadable) == 1
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test)) == 10
