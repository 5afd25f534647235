"""Texts of columns and files: what is read, what is refused, and windows that stay together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.text.reading import (
    TextWindows,
    column_of_text,
    is_given_as_path,
    is_path,
    read_text,
    read_text_file,
    text_of,
)


def table_of(texts: list[Any], **more: list[Any]) -> ListTable:
    rows = [
        {"text": text, **{name: values[index] for name, values in more.items()}}
        for index, text in enumerate(texts)
    ]
    return ListTable(rows, "notes")


def test_the_column_is_the_named_one_or_the_files_own() -> None:
    assert column_of_text(table_of(["a"]), "text") == "text"
    assert column_of_text(ListTable([{"file": "a.txt"}], "notes"), "text") == "file"
    with pytest.raises(DataError, match="`notes` must have a column 'body', received text"):
        column_of_text(table_of(["a"]), "body")


def test_a_text_that_is_a_link_to_nothing_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("gone")
    assert is_path(str(tmp_path / "a.txt"))
    with pytest.raises(
        DataError, match=r"a\.txt` cannot be read: it is a link to nothing \(gone\): fetch what"
    ):
        text_of({"text": "a.txt"}, "text", ListTable([{"text": "a.txt"}], "notes", root=tmp_path))


def test_an_empty_text_is_no_path() -> None:
    assert is_path(".")
    assert not is_path("")
    assert not is_given_as_path("")


def test_a_value_is_read_as_utf8_and_a_file_by_its_name(tmp_path: Path) -> None:
    assert read_text({"text": "é"}, None, "text") == b"\xc3\xa9"
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfabc")
    table = ListTable([{"file": "a.txt"}], "notes", root=tmp_path)
    # Without the mark that some editors write first.
    assert read_text(table[0], table, "file") == b"abc"


def test_a_column_called_file_may_hold_texts(tmp_path: Path) -> None:
    (tmp_path / "a day at sea").write_bytes(b"abc")
    words, name, missing, gone = (
        {"file": cell} for cell in ("the file was lost", "a day at sea", "notes", "last year.txt")
    )
    table = ListTable([words], "notes", root=tmp_path)
    for row, expected in ((words, b"the file was lost"), (name, b"abc")):
        assert read_text(row, table, "file") == text_of(row, "file", table) == expected
    for row in (missing, gone):
        with pytest.raises(DataError, match="cannot be read: No such file"):
            read_text(row, table, "file")
        with pytest.raises(DataError, match="cannot be read: No such file"):
            text_of(row, "file", table)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must have a text in the column 'text', received None"),
        (17, "must have a text in the column 'text', received 17"),
        ("ab\ud800", "cannot be written as UTF-8: half of a surrogate pair at character 2"),
    ],
)
def test_values_that_are_no_text_are_refused(value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_text({"text": value}, None, "text")


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"first\nsec\xffond")
    with pytest.raises(DataError, match=r"is no UTF-8 text: byte 0xFF in line 2 \(byte 9\); convert it"):
        read_text_file(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"b\.txt` cannot be read: No such file"):
        read_text_file(tmp_path / "b.txt")


def test_a_path_is_what_is_there(tmp_path: Path) -> None:
    assert is_path(str(tmp_path))
    assert not is_path("a text\0with a character that no path has")
    assert not is_path("x" * 10_000)
    assert not is_path(str(tmp_path / "absent"))


def test_windows_cover_the_documents_and_know_their_place() -> None:
    windows = TextWindows(table_of(["one two three", "four"]), "text", 8)
    rows = [windows[index] for index in range(len(windows))]
    assert [row["text"][row["start"] : row["end"]] for row in rows] == [b"one two", b"three", b"four"]
    assert windows.name(1) == "notes, row 1, bytes 8 to 13"
    assert windows.column("start") == [0, 8, 0]


def test_windows_of_a_section_stay_together_where_documents_are_few() -> None:
    # A section of a window of 8 bytes has 128 bytes: sixteen windows.
    text = "abcdefg " * 40
    windows = TextWindows(table_of([text, "z"]), "text", 8)
    groups = windows.column("group")
    assert len(groups) == 41
    assert [groups.count(number) for number in range(4)] == [16, 16, 8, 1]


def test_windows_of_a_document_stay_together_where_there_are_many() -> None:
    windows = TextWindows(table_of(["abcdefg abcdefg"] * 50), "text", 8)
    assert windows.column("group") == [number for number in range(50) for _ in range(2)]


def test_windows_of_a_named_group_stay_together() -> None:
    table = table_of(["abcdefg abcdefg", "b", "c"], author=["x", "y", "x"])
    assert TextWindows(table, "text", 8, "author").column("group") == ["x", "x", "y", "x"]
    with pytest.raises(DataError, match="`notes` must have a column 'writer'"):
        TextWindows(table, "text", 8, "writer")


def test_unreadable_documents_stop_or_are_listed() -> None:
    table = table_of(["good", None, "better"])
    with pytest.raises(DataError, match="`notes, row 2` must have a text"):
        TextWindows(table, "text", 8)
    windows = TextWindows(table, "text", 8, skips_unreadable=True)
    assert len(windows) == 2
    assert windows.unreadable == ["`notes, row 2` must have a text in the column 'text', received None"]


def test_nothing_but_white_space_is_no_text() -> None:
    with pytest.raises(DataError, match="`notes` holds no text"):
        TextWindows(table_of([" \n\n "]), "text", 8)


def test_the_name_of_a_file_that_is_absent_is_no_text(tmp_path: Path) -> None:
    there = tmp_path / "there.txt"
    there.write_text("a text", encoding="utf-8")
    assert is_given_as_path(str(there))
    for text in ("a text", "see there.txt", "there.txt ", "there.xyz", ""):
        assert not is_given_as_path(text)
    with pytest.raises(
        DataError, match=r"`absent\.TXT` cannot be read: there is no such file; .* put a space behind"
    ):
        is_given_as_path("absent.TXT")
    with pytest.raises(DataError, match=r"`absent\.csv` cannot be read"):
        is_given_as_path("absent.csv", (".txt", ".csv"))


def test_a_file_in_utf_16_is_read_by_its_mark(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes("Ä\nb".encode("utf-16"))
    assert read_text_file(tmp_path / "x.txt") == "Ä\nb".encode()
    (tmp_path / "torn.txt").write_bytes("Ä\nb".encode("utf-16")[:-1])
    with pytest.raises(DataError, match=r"torn.txt` begins as UTF-16 and cannot be read as that"):
        read_text_file(tmp_path / "torn.txt")
