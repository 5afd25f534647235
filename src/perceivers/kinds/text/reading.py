"""Texts of files and of table columns, whole or cut into windows that a model takes."""

from __future__ import annotations

import codecs
import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.data.groups import groups_of
from perceivers.data.tables import FILE_COLUMN, StreamTable, Table, require_columns
from perceivers.errors import DataError, dead_link
from perceivers.kinds.base import is_empty
from perceivers.kinds.text.windows import window_bounds
from perceivers.text_files import decoded, pointer_told

TEXT_SUFFIXES = (".txt", ".md", ".rst", ".text")
GROUP_COLUMN = "group"
# Documents are cut into sections first: what is read at once, and what stays in one part of a division where there are too
# few documents to divide those.
WINDOWS_A_SECTION = 16
# Texts that windows are cut from are kept in memory up to so many bytes together.
MOST_BYTES_KEPT = 64 * 2**20
FEW_DOCUMENTS = 50


def column_of_text(table: Table | StreamTable, column: str) -> str:
    """The column that holds the texts: `column`, or the files' own where the table is a folder or a file of text."""
    if column not in table.columns and FILE_COLUMN in table.columns:
        return FILE_COLUMN
    require_columns(table, column)
    return column


def read_text(row: Mapping[str, Any], table: Any, column: str) -> bytes:
    """The text of a row as UTF-8 bytes: the value of `column`, or the content of the file that the row names.

    Raises:
        DataError: there is no text, or it is no UTF-8; the message says where.
    """
    cell = row[column]
    if column == FILE_COLUMN and isinstance(cell, str) and _is_of_file(cell, table):
        return read_text_file(_file(cell, table))
    return _encoded(cell, column)


def text_of(row: Mapping[str, Any], column: str, table: Any) -> bytes | None:
    """The text of a row's cell as UTF-8 bytes; None where the cell is empty.

    A cell may hold the text, as str or bytes; the path of a file that is there and ends as texts do; or, as columns of files
    have it, a mapping with `bytes` or `path`. In a column `file`, which folders of files have, it is the path of one, except
    for words that are no file's name.

    Raises:
        DataError: the cell holds something else, or no UTF-8.
    """
    cell = row.get(column)
    if isinstance(cell, Mapping):
        given, path = cell.get("bytes"), cell.get("path")
        cell = given if given is not None or path is None else read_text_file(_file(path, table))
    if is_empty(cell):
        return None
    if isinstance(cell, bytes):
        return _utf8(cell, f"the text in the column {column!r}") if cell.strip() else None
    if isinstance(cell, str):
        is_file = names_text_file(cell) and is_path(str(_file(cell, table)))
        if is_file or (column == FILE_COLUMN and _is_of_file(cell, table)):
            return read_text_file(_file(cell, table))
    return _encoded(cell, column)


def _is_of_file(cell: str, table: Any) -> bool:
    """Whether a cell of the column `file` is a path: a file is there, or it has no white space, or it ends as texts do."""
    looks_so = len(cell.split()) == 1 or cell.lower().endswith(TEXT_SUFFIXES)
    return looks_so or is_path(str(_file(cell, table)))


def names_text_file(cell: str) -> bool:
    """Whether a cell looks like the path of a text file: it ends as texts do, and has no white space."""
    return cell.lower().endswith(TEXT_SUFFIXES) and len(cell.split()) == 1


def read_text_file(path: Path) -> bytes:
    """The content of a file as UTF-8, without the mark at its start that some editors write, which may say UTF-16.

    Raises:
        DataError: the file cannot be read, or is no UTF-8; the message names file, line and byte.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"`{path}` cannot be read: {dead_link(path) or error.strerror}") from error
    if pointer := pointer_told(content):
        raise DataError(f"`{path}` cannot be read as text: {pointer}")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return decoded(content).encode("utf-8")
        except UnicodeError as error:
            raise DataError(f"`{path}` begins as UTF-16 and cannot be read as that: {error}") from error
    return _utf8(content, f"`{path}`").removeprefix(b"\xef\xbb\xbf")


def is_path(given: str) -> bool:
    """Whether an input names a file or a folder that is there."""
    # False, too, of a text too long, or with characters that no path has; and of the empty one, of which Path would make the
    # present folder. A link to nothing is there.
    return os.path.lexists(given)


def is_given_as_path(given: str, suffixes: Sequence[str] = TEXT_SUFFIXES) -> bool:
    """Whether an input of a command is a file or a folder, and not a text itself.

    Args:
        given: the input.
        suffixes: of the files that are read.

    Raises:
        DataError: it looks like the path of such a file, and there is none: its name is hardly what is asked about.
    """
    if is_path(given):
        return True
    if given == "".join(given.split()) and given.lower().endswith(tuple(suffixes)):
        raise DataError(
            f"`{given}` cannot be read: there is no such file; to ask about these letters as a text, put a space behind them"
        )
    return False


def lengths_of(table: Table, column: str) -> list[int]:
    """Bytes of the texts of a table; those that cannot be read are left out."""
    found = []
    for index in range(len(table)):
        try:
            found.append(len(read_text(table[index], table, column)))
        except DataError:
            # It is reported when windows are cut.
            continue
    return found


class TextWindows(Table):
    """Windows of the texts of a table, read when asked for.

    A row has `text` (bytes of the section that the window lies in), `start` and `end` (of the window in it, in bytes) and
    `group`: windows of one group stay in one part of a division. A group is a value of `group_column`, else a document,
    else, of fewer than 50 documents, a section of about 16 windows.

    Args:
        table: the documents.
        column: the texts', see `column_of_text`.
        max_bytes: of a window, see `window_bounds`.
        group_column: of `table`; None for documents or sections.
        group_pattern: see `perceivers.data.groups.groups_of`; None for the values of `group_column` themselves.
        skips_unreadable: leave out documents that cannot be read, and list them in `unreadable`.

    Raises:
        DataError: there is no text, or a document cannot be read.
    """

    def __init__(
        self,
        table: Table,
        column: str,
        max_bytes: int,
        group_column: str | None = None,
        group_pattern: str | None = None,
        *,
        skips_unreadable: bool = False,
    ) -> None:
        super().__init__(table.source, ("text", "start", "end", GROUP_COLUMN), table.root)
        self.unreadable: list[str] = []
        self._table, self._column = table, column
        self._kept: dict[int, bytes] = {}
        self._room = MOST_BYTES_KEPT
        windows: list[tuple[int, int, int, int, int]] = []
        for row in range(len(table)):
            try:
                windows += _windows(row, self._text(row), max_bytes)
            except DataError as error:
                message = str(error)
                message = message if table.name(row) in message else f"`{table.name(row)}` {message}"
                if not skips_unreadable:
                    raise DataError(message) from error
                self.unreadable.append(message)
        if not windows:
            raise DataError(f"`{table.source}` holds no text")
        # Columns: row of the table, start and end of the section, start and end of the window in it.
        self._windows = np.asarray(windows, dtype=np.int64)
        self._groups = self._read_groups(group_column, group_pattern)

    def __len__(self) -> int:
        """Count the windows."""
        return len(self._windows)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        row, first, last, start, end = self._windows[index].tolist()
        text = self._text(row)[first:last]
        return {"text": text, "start": start, "end": end, GROUP_COLUMN: self._groups[index]}

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        if name == GROUP_COLUMN:
            return self._groups
        return [self[index][name] for index in range(len(self))]

    def name(self, index: int) -> str:
        """The document's name and the bytes of the window in it, counted from 0."""
        row, first, _, start, end = self._windows[index].tolist()
        return f"{self._table.name(row)}, bytes {first + start} to {first + end}"

    def _text(self, row: int) -> bytes:
        """The text of a row of the table; as many as there is room for are read once."""
        if row in self._kept:
            return self._kept[row]
        text = read_text(self._table[row], self._table, self._column)
        if len(text) <= self._room:
            self._kept[row] = text
            self._room -= len(text)
        return text

    def _read_groups(self, group_column: str | None, group_pattern: str | None) -> list[Hashable]:
        rows = self._windows[:, 0].tolist()
        if group_column is not None or group_pattern is not None:
            values = groups_of(self._table, group_column, group_pattern)
            return [values[row] for row in rows]
        if len(set(rows)) >= FEW_DOCUMENTS:
            return list(rows)
        sections = [tuple(section) for section in self._windows[:, :2].tolist()]
        numbers = {section: number for number, section in enumerate(dict.fromkeys(sections))}
        return [numbers[section] for section in sections]


def _windows(row: int, text: bytes, max_bytes: int) -> list[tuple[int, int, int, int, int]]:
    return [
        (row, first, last, start, end)
        for first, last in window_bounds(text, WINDOWS_A_SECTION * max_bytes)
        for start, end in window_bounds(text[first:last], max_bytes)
    ]


def encoded(text: str, what: str = "the text") -> bytes:
    """A text as UTF-8 bytes.

    Raises:
        DataError: a character of it is none.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{what} cannot be written as UTF-8: half of a surrogate pair at character {error.start}"
        ) from error


def _encoded(value: Any, column: str) -> bytes:
    if not isinstance(value, str):
        raise DataError(f"must have a text in the column {column!r}, received {value!r:.80}")
    return encoded(value, f"the text in the column {column!r}")


def _utf8(content: bytes, what: str) -> bytes:
    """The content; a DataError about `what` where it is no UTF-8."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{what} is no UTF-8 text: byte 0x{content[error.start]:02X} in line {line} (byte {error.start}); convert it, "
            f"for example with iconv"
        ) from error
    return content


def _file(value: str, table: Any) -> Path:
    root = getattr(table, "root", None)
    return Path(value) if root is None else root / value
