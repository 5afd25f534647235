"""How a table of text is written, sensed from the file itself: packing, encoding, what divides the fields, quotes."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from perceivers.data.numbers import has_decimal_comma
from perceivers.errors import DataError
from perceivers.text_files import pointer_told

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BLOCK = 1 << 20
SAMPLE_RECORDS = 50
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# First bytes of files that get a table's name by mistake.
OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
)


Packing = Literal["", "gzip", "bz2", "xz", "zip"]
PACKED: tuple[tuple[bytes, Packing], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
)
UNPACK: Mapping[str, Callable[..., Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_PACKED_ENDING = re.compile(r"\.(?:gz|bz2|xz|zip)$")
# How Python keeps a byte that it could not decode.
_ESCAPED = re.compile("[\udc80-\udcff]")
# What is said behind a reason that a row cannot be read, where it stops the command.
OR_LEAVE_OUT = ", or leave it out with --unreadable skip"
DAMAGED = "it holds bytes that are no UTF-8, unlike the other lines; mend the row"
# What Excel begins files with, so that it reads them again.
_SEPARATOR_LINE = re.compile(r'"?sep=(.?)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How one file is written.

    Args:
        packed: what packed it; "" for nothing.
        encoding: name of its encoding for Python.
        delimiter: what divides fields.
        quotes: whether a quote opens a field that may hold delimiters and ends of lines. If not, a quote is a character
            like all others, unless it begins and another ends a field.
        plain: whether the file is plain UTF-8 without any quote, so that every line is a record whatever parses it.
        spaced: whether blanks behind a delimiter belong to it, so that a quote after them opens a field.
        skipped: lines before that of the names, such as Excel's `sep=;`.
        escaped: whether a quote in a field has a backslash before it, instead of another quote.
        damaged: whether it is UTF-8 but for a few lines, see `has_damage`.
    """

    packed: Packing = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    quotes: bool = True
    plain: bool = False
    spaced: bool = False
    skipped: int = 0
    escaped: bool = False
    damaged: bool = False

    def records(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """Divide lines into records of fields; a blank line is an empty record.

        Args:
            lines: with their ends; read them inside of `long_fields`.
            strict: raise csv.Error where a quote is not closed, or is closed before the field ends.
        """
        if self.escaped:
            lines = _Doubled(lines)
        quoting: Any = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quoting=quoting,
            strict=strict,
            skipinitialspace=self.spaced,
        )


class _Doubled:
    """Lines with the quotes doubled that have a backslash before them: the csv module would lose other backslashes, too."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    def __iter__(self) -> _Doubled:
        return self

    def __next__(self) -> str:
        return next(self._lines).replace('\\"', '""')


def without_blank(records: Iterable[list[str]]) -> Iterator[list[str]]:
    """The records of lines that are not blank."""
    for record in records:
        # A lone pair of quotes is an empty field of a table with one column, no blank line.
        if len(record) > 1 or (record and not record[0].isspace()):
            yield record


def sense(path: Path) -> tuple[Dialect, list[str]]:
    """Find out how a table of text is written.

    Args:
        path: a file of text. Its name decides about tabs (`.tsv`), its content about all else.

    Returns:
        The dialect, and notes for the user about what was not to be expected.

    Raises:
        DataError: the file is empty, is no text, or is another format; the message says what to do.
    """
    dialect, notes = sense_encoding(path)
    if _PACKED_ENDING.sub("", path.name.lower()).endswith(".tsv"):
        dialect = replace(dialect, delimiter="\t", quotes=False)
        quoted = replace(dialect, quotes=True)
        if not dialect.plain and not _is_regular(path, dialect) and _is_regular(path, quoted):
            dialect = quoted
        return dialect, notes
    with open_text(path, dialect) as file:
        told = _SEPARATOR_LINE.fullmatch(file.readline(20).strip())
    if told is not None:
        dialect = replace(dialect, delimiter=told.group(1) or "\t", skipped=1, plain=False)
    else:
        dialect = replace(dialect, delimiter=_sense_delimiter(path, dialect))
    if dialect.delimiter != ",":
        notes.append(f"`{path}` is divided by {DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))}")
    spaced = replace(dialect, spaced=True)
    if (
        not dialect.plain
        and len(set(_first_lengths(path, dialect))) > 1
        and len(set(_first_lengths(path, spaced))) == 1
    ):
        dialect = spaced
    if not dialect.plain and _has_escapes(path, dialect):
        escaped = replace(dialect, escaped=True)
        if not _is_regular(path, dialect) and _is_regular(path, escaped):
            dialect = escaped
    return dialect, notes


@contextmanager
def open_text(path: Path, dialect: Dialect) -> Iterator[IO[str]]:
    """Open the file as text, with the ends of lines as they are."""
    with _open_bytes(path, dialect.packed) as file:
        errors = "surrogateescape" if dialect.damaged else "strict"
        text = io.TextIOWrapper(file, encoding=dialect.encoding, errors=errors, newline="")
        for _ in range(dialect.skipped):
            text.readline()
        yield text


@contextmanager
def long_fields() -> Iterator[None]:
    """Let fields be of any length while it is open; the csv module stops at 131,072 characters, which texts exceed."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@contextmanager
def _open_bytes(path: Path, packed: Packing) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if packed == "zip":
            with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, path)) as file:
                yield file
        elif packed:
            with UNPACK[packed](raw, "rb") as file:
                yield file
        else:
            yield raw


def _packing(path: Path) -> Packing:
    """What packed a file, by its first bytes; a zip archive that is called like another format is that."""
    with path.open("rb") as raw:
        beginning = raw.read(6)
    if beginning.startswith(b"PK\x03\x04"):
        return "zip" if path.suffix.lower() == ".zip" else ""
    return next((packed for mark, packed in PACKED if beginning.startswith(mark)), "")


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [
        name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")
    ]
    if len(names) != 1:
        raise DataError(f"`{path}` must hold one table, received an archive of {len(names)} files; unpack it")
    return names[0]


def sense_encoding(path: Path) -> tuple[Dialect, list[str]]:
    """Find out how a file of text is packed and encoded; see `sense`.

    The whole file is read once: a byte that is no UTF-8 may be the last one.
    """
    packed = _packing(path)
    with _open_bytes(path, packed) as file:
        block = file.read(BLOCK)
        if not block:
            raise DataError(f"`{path}` cannot be read as a table: it is empty")
        if pointer := pointer_told(block):
            raise DataError(f"`{path}` cannot be read as a table: {pointer}")
        for begin, what in OTHER_FORMATS:
            if block.startswith(begin):
                raise DataError(f"`{path}` cannot be read as a table: it is {what}; save it as CSV in UTF-8")
        for mark, encoding in MARKS:
            if block.startswith(mark):
                _require_decodable(path, packed, encoding)
                return Dialect(packed, encoding), []
        if (without_mark := _encoding_by_zeros(block)) is not None:
            _require_decodable(path, packed, without_mark)
            return Dialect(packed, without_mark), []
        has_quotes = False
        decoder = codecs.getincrementaldecoder("utf-8")()
        is_utf8 = True
        line = 1
        while block:
            if (place := block.find(b"\0")) >= 0:
                line += block.count(b"\n", 0, place)
                raise DataError(
                    f"`{path}` cannot be read as a table: line {line} holds a zero byte, so it is no text in UTF-8; save it "
                    "as CSV in UTF-8"
                )
            line += block.count(b"\n")
            has_quotes = has_quotes or b'"' in block
            following = file.read(BLOCK)
            if is_utf8:
                try:
                    decoder.decode(block, final=not following)
                except UnicodeDecodeError:
                    is_utf8 = False
            block = following
    if is_utf8:
        return Dialect(packed, "utf-8", plain=not has_quotes and not packed), []
    if _mostly_utf8(path, packed):
        return Dialect(packed, "utf-8", damaged=True), []
    _require_decodable(path, packed, "cp1252")
    return Dialect(packed, "cp1252"), [
        f"`{path}` is not in UTF-8 and was read as Windows-1252; if letters look wrong, save it as UTF-8"
    ]


def has_damage(text: str) -> bool:
    """Whether a text of a damaged file has bytes that are no UTF-8."""
    return _ESCAPED.search(text) is not None


def _mostly_utf8(path: Path, packed: Packing) -> bool:
    """Whether more lines have letters in UTF-8 than bytes that are none: letters of Windows-1252 are none but by chance."""
    good = bad = 0
    with _open_bytes(path, packed) as file:
        for line in file:
            if not line.isascii():
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    bad += 1
                else:
                    good += 1
    return good > bad


def _encoding_by_zeros(block: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of most letters is zero."""
    some = block[:4096]
    even, odd = some[::2].count(0), some[1::2].count(0)
    half = len(some) // 2
    if half < 4 or max(even, odd) < half / 2 or min(even, odd) > 0:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _require_decodable(path: Path, packed: Packing, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with _open_bytes(path, packed) as file:
            while block := file.read(BLOCK):
                if "\0" in decoder.decode(block):
                    raise DataError(
                        f"`{path}` cannot be read as a table: it holds a zero character; remove it"
                    )
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise DataError(
            f"`{path}` cannot be read as a table: it is neither UTF-8, UTF-16 nor Windows-1252 ({error}); save it as CSV in "
            "UTF-8"
        ) from error


def _sense_delimiter(path: Path, dialect: Dialect) -> str:
    """The delimiter that gives the header and the first records equally many fields, and the most of them."""
    candidates = [replace(dialect, delimiter=delimiter) for delimiter in DELIMITERS]
    heads = {each.delimiter: _first_lengths(path, each) for each in candidates}
    alike = {delimiter: lengths[0] for delimiter, lengths in heads.items() if len(set(lengths)) == 1}
    if ";" in alike and alike[";"] > 1 and _has_decimal_commas(path, replace(dialect, delimiter=";")):
        # Commas divide numbers into as many pieces in every line, too.
        return ";"
    best = max(alike, key=lambda delimiter: alike[delimiter], default=",")
    if alike.get(best, 1) > 1:
        return best
    # None fits all rows, so a row is wrong. The header decides; the row is named when it is read.
    return max(heads, key=lambda delimiter: heads[delimiter][:1])


def _has_escapes(path: Path, dialect: Dialect) -> bool:
    with open_text(path, dialect) as file:
        return any('\\"' in line for line in file)


def _first_lengths(path: Path, dialect: Dialect) -> list[int]:
    with open_text(path, dialect) as file, long_fields():
        return [len(record) for record in islice(without_blank(dialect.records(file)), SAMPLE_RECORDS)]


def _has_decimal_commas(path: Path, dialect: Dialect) -> bool:
    """Whether most fields of the first records that have a comma are numbers such as 0,126."""
    with open_text(path, dialect) as file, long_fields():
        records = islice(without_blank(dialect.records(file)), SAMPLE_RECORDS)
        fields = [field for record in records for field in record if "," in field]
    return sum(map(has_decimal_comma, fields)) > len(fields) / 2


def _is_regular(path: Path, dialect: Dialect) -> bool:
    """Whether all records have as many fields as the first, and all quotes are closed where a field ends."""
    with open_text(path, dialect) as file, long_fields():
        lengths = map(len, without_blank(dialect.records(file, strict=True)))
        try:
            first = next(lengths, 0)
            return all(length == first for length in lengths)
        except csv.Error:
            return False
