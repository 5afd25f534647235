"""CSV and TSV as people write them: delimiters, quotes, encodings, packing, and what is said of faults."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perceivers.data import delimited, dialects
from perceivers.data.delimited import DelimitedFile
from perceivers.data.dialects import Dialect, long_fields
from perceivers.errors import DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def look_at(folder: Path, content: str | bytes, name: str = "x.csv") -> DelimitedFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return DelimitedFile.look_at(path)


def rows(file: DelimitedFile) -> list[list[Any]]:
    found = [list(row.values()) for row in file.rows()]
    data = file.dataset()
    assert [[row[name] for name in file.columns] for row in data] == found, "both ways of reading agree"
    return found


def test_cells_keep_their_form_and_only_an_empty_field_is_missing(tmp_path: Path) -> None:
    file = look_at(tmp_path, 'label,x,y\n001,1.10, NA\n010,,null\n"",nan,"a, ""b"""\n')
    assert file.columns == ("label", "x", "y")
    assert rows(file) == [["001", "1.10", " NA"], ["010", None, "null"], [None, "nan", 'a, "b"']]


@pytest.mark.parametrize(
    ("content", "delimiter", "expected"),
    [
        ("a;b\n0,1;2\n0,5;3\n", ";", [["0,1", "2"], ["0,5", "3"]]),
        ("a\tb\n1,5\t2\n", "\t", [["1,5", "2"]]),
        ("a|b\n1|x;y\n", "|", [["1", "x;y"]]),
        # The header and all rows have two fields by commas; semicolons are in the cells.
        ("a,b\nx; y,z; w\n", ",", [["x; y", "z; w"]]),
        ('a;b\n"1;2";3\n', ";", [["1;2", "3"]]),
        ("a\nhello\n", ",", [["hello"]]),
    ],
)
def test_the_delimiter_is_sensed(tmp_path: Path, content: str, delimiter: str, expected: Any) -> None:
    file = look_at(tmp_path, content)
    assert file.dialect.delimiter == delimiter
    assert rows(file) == expected
    words = {";": "semicolons", "\t": "tabs", "|": "bars"}
    assert file.notes == (
        () if delimiter == "," else (f"`{tmp_path / 'x.csv'}` is divided by {words[delimiter]}",)
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_with_and_without_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(dialects, "BLOCK", 5)  # some letters lie on both sides of its end
    file = look_at(tmp_path, "näme,b\nö,1\n".encode(encoding))
    assert file.columns == ("näme", "b")
    assert rows(file) == [["ö", "1"]]
    assert file.notes == ()


def test_windows_1252_is_read_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The byte that is no UTF-8 comes behind many blocks of what is.
    monkeypatch.setattr(dialects, "BLOCK", 7)
    text = "a,b\n" + "x,1\n" * 100 + "5 \u20ac,2\n"
    file = look_at(tmp_path, text.encode("cp1252"))
    *_, last = file.rows()
    assert last == {"a": "5 €", "b": "2"}
    assert file.notes == (
        f"`{tmp_path / 'x.csv'}` is not in UTF-8 and was read as Windows-1252; if letters look wrong, save it as UTF-8",
    )


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv"])
def test_packed_tables_are_read_whatever_their_name(tmp_path: Path, name: str) -> None:
    assert rows(look_at(tmp_path, gzip.compress(b"a,b\n1,2\n", mtime=0), name)) == [["1", "2"]]


@pytest.mark.parametrize(
    ("pack", "name"), [(bz2.compress, "x.csv.bz2"), (lzma.compress, "x.csv.xz"), (lzma.compress, "x.csv")]
)
def test_tables_are_unpacked_by_their_first_bytes(
    tmp_path: Path, pack: Callable[[bytes], bytes], name: str
) -> None:
    assert rows(look_at(tmp_path, pack(b"a,b\n1,2\n"), name)) == [["1", "2"]]


def test_an_archive_of_one_table_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.csv.zip", "w") as archive:
        archive.writestr("in/x.csv", "a,b\n1,2\n")
        archive.writestr("__MACOSX/._x.csv", "")
    assert rows(DelimitedFile.look_at(tmp_path / "x.csv.zip")) == [["1", "2"]]
    with zipfile.ZipFile(tmp_path / "x.csv.zip", "a") as archive:
        archive.writestr("y.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="must hold one table, received an archive of 2 files; unpack it"):
        DelimitedFile.look_at(tmp_path / "x.csv.zip")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_its_mark(tmp_path: Path, encoding: str) -> None:
    assert rows(look_at(tmp_path, "name,b\nGröße,2\n".encode(encoding))) == [["Größe", "2"]]


def test_the_line_that_excel_writes_first_tells_the_delimiter(tmp_path: Path) -> None:
    file = look_at(tmp_path, "sep=;\na;b\n1,5;2\n")
    assert (file.columns, rows(file)) == (("a", "b"), [["1,5", "2"]])
    with pytest.raises(DataError, match=r"row 2 \(line 4\): expected 2 fields"):
        look_at(tmp_path, "sep=;\na;b\n1;2\n3\n")


def test_blanks_before_quotes_belong_to_the_delimiter(tmp_path: Path) -> None:
    assert rows(look_at(tmp_path, 'a, b\n1, "x, y"\n2, "z"\n')) == [["1", "x, y"], ["2", "z"]]
    assert rows(look_at(tmp_path, "a,b\n1, x\n")) == [["1", " x"]]


def test_numbers_alone_may_have_no_names(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("0,126;-0,132\n1,5;\n")
    file = DelimitedFile.look_at(path, needs_names=False)
    assert (file.columns, file.has_names) == (("0", "1"), False)
    assert rows(file) == [["0,126", "-0,132"], ["1,5", None]]
    path.write_text("a,b\n1,2\n")
    assert DelimitedFile.look_at(path, needs_names=False).columns == ("a", "b")


def test_quotes_in_a_tsv_are_characters_unless_they_enclose_a_field(tmp_path: Path) -> None:
    lines = [
        "n\ttext",
        '1\t"Yes" , he said',
        '2\t"all of it"',
        '3\t"open',
        '4\t5" pipe',
        '5\t"a ""b"""',
        '6\t"',
    ]
    assert rows(look_at(tmp_path, "\n".join(lines) + "\n", "x.tsv")) == [
        ["1", '"Yes" , he said'],
        ["2", "all of it"],
        ["3", '"open'],
        ["4", '5" pipe'],
        ["5", 'a "b"'],
        ["6", '"'],
    ]


def test_a_tsv_whose_quotes_hold_tabs_or_ends_of_lines_is_read_so(tmp_path: Path) -> None:
    file = look_at(tmp_path, 'n\ttext\n1\t"a\tb"\n2\t"c\nd"\n', "x.tsv")
    assert rows(file) == [["1", "a\tb"], ["2", "c\nd"]]


def test_blank_lines_are_passed_over(tmp_path: Path) -> None:
    assert rows(look_at(tmp_path, "\na,b\n\n1,2\n  \n3,4\n\n")) == [["1", "2"], ["3", "4"]]
    assert rows(look_at(tmp_path, 'a\nx\n\n""\n')) == [["x"], [None]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_every_system_ends_them(tmp_path: Path, end: str) -> None:
    assert rows(look_at(tmp_path, end.join(["a,b", '1,"2', '3"', ""]))) == [["1", f"2{end}3"]]


def test_columns_without_a_name_are_called_as_pandas_does(tmp_path: Path) -> None:
    assert look_at(tmp_path, ",a,\n0,x,y\n").columns == ("Unnamed: 0", "a", "Unnamed: 2")


def test_a_cell_may_be_a_long_text(tmp_path: Path) -> None:
    text = "x" * 200_000  # the csv module alone refuses more than 131,072 characters
    assert rows(look_at(tmp_path, f'a,b\n1,"{text}"\n')) == [["1", text]]
    assert csv.field_size_limit() < sys.maxsize


def test_rows_are_read_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BATCH_RECORDS", 3)
    for count in (1, 3, 7):
        file = look_at(tmp_path, "x\n" + "".join(f"{value}a\n" for value in range(count)))
        assert rows(file) == [[f"{value}a"] for value in range(count)]


def test_a_large_table_is_mapped_from_a_file_that_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets.config

    monkeypatch.setattr(delimited, "LARGEST_HELD", 5)
    file = look_at(tmp_path, "x,y\n001,2\n003,\n")
    assert [dict(row) for row in file.dataset()] == [{"x": "001", "y": "2"}, {"x": "003", "y": None}]
    (cached,) = (datasets.config.HF_DATASETS_CACHE / "perceivers").iterdir()
    written = cached.stat().st_mtime_ns
    assert len(file.dataset()) == 2
    assert cached.stat().st_mtime_ns == written
    os.utime(file.path, ns=(1, 1))
    assert len(file.dataset()) == 2
    assert len(list(cached.parent.iterdir())) == 2, "a file that was changed is read anew"


def test_a_large_table_with_a_fault_leaves_no_half_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets.config

    monkeypatch.setattr(delimited, "LARGEST_HELD", 5)
    file = look_at(tmp_path, "x,y\n" + "1,2\n" * 60 + "1\n")
    with pytest.raises(DataError, match="row 61"):
        file.dataset()
    assert list((datasets.config.HF_DATASETS_CACHE / "perceivers").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a table: it is empty"),
        (b"\xef\xbb\xbf", "cannot be read as a table: it is empty"),
        (b"\n\n", "cannot be read as a table: it is empty"),
        (b"a,b\n", "cannot be read as a table: there is no data below the line of names"),
        (b"a,b\n1,\x002\n", "line 2 holds a zero byte, so it is no text in UTF-8; save it as CSV in UTF-8"),
        ("# by hand\na,b\n1,2\n", "the first line is a comment: remove all lines above that of the names"),
        ("a,b\n1,\0\n".encode("utf-16"), "it holds a zero character; remove it"),
        (b"PK\x03\x04rest", "it is an Excel workbook or a zip archive; save it as CSV in UTF-8"),
        (b"a,b\n\x81,\x8d\n", "it is neither UTF-8, UTF-16 nor Windows-1252 .*; save it as CSV in UTF-8"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "cannot be read as a table: Compressed file ended"),
        (b"a,b,a\n1,2,3\n", "has two columns 'a', 1 and 3 of 3; give each a name of its own in the first line"),
        (
            b"a,b\n1,2\n\n1,2,3\n",
            r"row 2 \(line 4\): expected 2 fields as in the first line, received 3; mend the row, or put a field",
        ),
        (b'a,b\n1,"x\ny"\n1\n', r"row 2 \(line 4\): expected 2 fields as in the first line, received 1"),
        (b"a,b\nx,1,2\ny,3,4\n", "row 1 .*received 3; the first line lacks a name, often that of the first column"),
        (
            b'a,b\n1,2\n3,"x\n5,6\n',
            r"row 2 \(line 3\): a quote opens a field and none closes it; close it, or double a quote",
        ),
        (b'a,b\n"1,2\n3,4\n', r"row 1 \(line 2\): a quote opens a field and none closes it"),
        (b"5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,setosa\n", "must begin with a line of column names, received 5.1, 3.5"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_row_and_cure(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"^`{tmp_path / 'x.csv'}`.*{message}"):
        look_at(tmp_path, content)


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("1\n", r"row 61 \(line 62\): expected 2 fields as in the first line, received 1"),
        ('1,"2\n3,4\n', r"row 61 \(line 62\): a quote opens a field and none closes it"),
    ],
)
def test_a_fault_behind_the_first_rows_is_named_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: str, message: str
) -> None:
    monkeypatch.setattr(delimited, "BATCH_RECORDS", 61)
    file = look_at(tmp_path, "x,y\n" + "1,2\n" * 60 + tail)
    with pytest.raises(DataError, match=message):
        file.dataset()
    with pytest.raises(DataError, match=message):
        list(file.rows())


def test_a_ragged_tsv_with_open_quotes_names_the_row(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"row 2 \(line 3\): expected 2 fields as in the first line, received 1"
    ):
        look_at(tmp_path, 'n\ttext\n1\t"a\n2\n3\t"b\n', "x.tsv")


def test_a_stream_gives_every_row(tmp_path: Path) -> None:
    stream = look_at(tmp_path, "x,y\n001,\n002,b\n").stream()
    assert list(stream) == [{"x": "001", "y": None}, {"x": "002", "y": "b"}]
    assert stream.column_names == ["x", "y"]


def test_the_limit_of_the_csv_module_is_put_back() -> None:
    before = csv.field_size_limit()
    with long_fields():
        assert list(Dialect().records(["x" * 140_000])) == [["x" * 140_000]]
    assert csv.field_size_limit() == before


PLAIN = "x,y\n" + "".join(f"{row:03},{'' if row % 7 == 0 else row}\n" for row in range(53))


@pytest.mark.parametrize(
    "content", [PLAIN, "\n\n" + PLAIN, PLAIN.replace("\n", "\r\n"), PLAIN.replace("\n", "\n\n"), PLAIN[:-1]]
)
@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
def test_plain_tables_are_read_alike_by_both_parsers(tmp_path: Path, content: str, name: str) -> None:
    file = look_at(tmp_path, content.replace(",", "\t") if name == "x.tsv" else content, name)
    assert file.dialect.plain
    assert sum(batch.num_rows for batch in file._plain_batches()) == 53
    assert rows(file) == [[f"{row:03}", str(row) if row % 7 else None] for row in range(53)]


def test_a_plain_table_that_one_parser_cannot_read_to_its_end_is_read_by_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "BATCH_RECORDS", 1000)
    # A line of spaces in the second megabyte, which Arrow takes for a row that is too short.
    content = PLAIN + "54,1\n" * 300_000 + "   \n" + "55,2\n"
    file = look_at(tmp_path, content)
    data = file.dataset()
    assert len(data) == 300_054
    assert data[53] == {"x": "54", "y": "1"}
    assert data[300_053] == {"x": "55", "y": "2"}


@pytest.mark.parametrize(
    "content", ['x,y\n1,"2"\n', "x,y\n1,2\n".encode("utf-16"), gzip.compress(b"x,y\n1,2\n", mtime=0)]
)
def test_tables_that_are_not_plain_are_known(tmp_path: Path, content: str | bytes) -> None:
    assert not look_at(tmp_path, content).dialect.plain


def test_quotes_with_a_backslash_before_them_are_quotes_and_other_backslashes_stay(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a,b\n1,"x \\"q\\", y"\n2,"C:\\new"\n')
    assert [row["b"] for row in DelimitedFile.look_at(path).rows()] == ['x "q", y', "C:\\new"]
    # A field may end with a backslash.
    path.write_text('a,b\n1,"C:\\"\n2,"D:\\"\n')
    assert [row["b"] for row in DelimitedFile.look_at(path).rows()] == ["C:\\", "D:\\"]


def test_names_that_may_be_a_comment_are_told_and_a_title_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("#a,b\n1,x\n")
    assert "the first line begins with # and was taken for the names" in DelimitedFile.look_at(path).notes[0]
    path.write_text("Report of May\na,b\n1,x\n")
    with pytest.raises(
        DataError, match=r"row 1.*expected 1 fields.*; the first line is no line of names, but a title"
    ):
        DelimitedFile.look_at(path)
