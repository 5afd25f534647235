"""Tables of text (CSV and TSV), every cell as text: nothing is guessed, so 001 stays 001 and NA is a word."""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from perceivers.data.dialects import SAMPLE_RECORDS, Dialect, long_fields, open_text, sense, without_blank
from perceivers.data.headers import all_numbers, column_names, distinct_names
from perceivers.errors import DataError

BATCH_RECORDS = 10_000
# Larger files become an Arrow file in the cache of `datasets`, which is mapped into memory instead of held there.
LARGEST_HELD = 64 << 20


@dataclass(frozen=True)
class DelimitedFile:
    """A table of text that was looked at, ready to be read.

    Args:
        path: the file.
        dialect: how it is written.
        columns: names from its first line.
        notes: what the user should know about how it is read.
        has_names: whether the first line is one of names; else columns are called by their places, from 0.
    """

    path: Path
    dialect: Dialect
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    has_names: bool = True

    @classmethod
    def look_at(cls, path: Path, *, needs_names: bool = True) -> DelimitedFile:
        """Sense how a file is written and read its header.

        Args:
            path: the file.
            needs_names: whether a first line that looks like data is an error; else numbers alone are data.

        Raises:
            DataError: it is no table of text; the message names file, row and what to do.
        """
        with _named(path):
            dialect, notes = sense(path)
            with open_text(path, dialect) as file, long_fields():
                first = list(islice(without_blank(dialect.records(file)), SAMPLE_RECORDS + 1))
        if not first:
            raise DataError(f"`{path}` cannot be read as a table: it is empty")
        if len(first) <= SAMPLE_RECORDS:
            _require_closed_quotes(path, dialect, first[-1], len(first) - 1)
        if not dialect.quotes:
            first = [[_unquoted(cell) for cell in record] for record in first]
        header, *rest = first
        _require_equal_lengths(path, dialect, len(header), rest, 0)
        if not needs_names and all_numbers(header):
            return cls(path, dialect, tuple(map(str, range(len(header)))), tuple(notes), has_names=False)
        names = column_names(path, header, rest) if needs_names else distinct_names(path, header)
        if not rest:
            raise DataError(f"`{path}` cannot be read as a table: there is no data below the line of names")
        return cls(path, dialect, tuple(names), tuple(notes))

    def batches(self) -> Iterator[list[list[str | None]]]:
        """Read the file in batches of rows; each gives the cells by column, None for an empty field."""
        count = 0
        last: Sequence[str] = self.columns
        with _named(self.path), open_text(self.path, self.dialect) as file:
            records = without_blank(self.dialect.records(file))
            if self.has_names:
                with long_fields():
                    next(records)
            while True:
                # Not held open over a yield: others may read a file in between.
                with long_fields():
                    batch = list(islice(records, BATCH_RECORDS))
                last = batch[-1] if batch else last
                if len(batch) < BATCH_RECORDS:
                    _require_closed_quotes(self.path, self.dialect, last, count + len(batch))
                if not batch:
                    return
                _require_equal_lengths(self.path, self.dialect, len(self.columns), batch, count)
                columns = zip(*batch, strict=True)
                if self.dialect.quotes:
                    yield [[cell or None for cell in column] for column in columns]
                else:
                    yield [[_unquoted(cell) or None for cell in column] for column in columns]
                count += len(batch)

    def rows(self) -> Iterator[dict[str, str | None]]:
        """Read the file row by row."""
        for batch in self.batches():
            for cells in zip(*batch, strict=True):
                yield dict(zip(self.columns, cells, strict=True))

    def dataset(self) -> Any:
        """The rows as `datasets.Dataset`: held in memory, or mapped into it where the file is large."""
        import datasets
        import pyarrow

        if self.path.stat().st_size <= LARGEST_HELD:
            batches = list(self._arrow_batches())
            return datasets.Dataset(pyarrow.Table.from_batches(batches), fingerprint=self._key())
        cached = Path(datasets.config.HF_DATASETS_CACHE) / "perceivers" / f"{self._key()}.arrow"
        if not cached.is_file():
            cached.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=cached.parent, suffix=".unfinished")
            try:
                with os.fdopen(handle, "wb") as file, pyarrow.ipc.new_stream(file, self._schema()) as writer:
                    for batch in self._arrow_batches():
                        writer.write_batch(batch)
                # Processes that read the same table at once write alike; the last one stays.
                Path(unfinished).replace(cached)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
        return datasets.Dataset.from_file(str(cached))

    def stream(self) -> Any:
        """The rows as `datasets.IterableDataset`."""
        import datasets

        features = datasets.Features({name: datasets.Value("string") for name in self.columns})
        return datasets.IterableDataset.from_generator(self.rows, features=features)

    def _schema(self) -> Any:
        import pyarrow

        return pyarrow.schema([(name, pyarrow.string()) for name in self.columns])

    def _arrow_batches(self) -> Iterator[Any]:
        import pyarrow

        read = 0
        if self.dialect.plain and len(self.columns) > 1 and self.has_names:
            try:
                for batch in self._plain_batches():
                    read += batch.num_rows
                    yield batch
                return
            except pyarrow.ArrowInvalid:
                pass  # a row is wrong, or the csv module sees it otherwise; it goes on behind the rows that were read
        for cells in self.batches():
            columns = [pyarrow.array(column, pyarrow.string()) for column in cells]
            batch = pyarrow.record_batch(columns, schema=self._schema())
            if batch.num_rows > read:
                yield batch.slice(read)
            read = max(read - batch.num_rows, 0)

    def _plain_batches(self) -> Iterator[Any]:
        """The same by the parser of Arrow, ten times as fast; it knows fewer dialects and names no row."""
        from pyarrow import csv

        reader = csv.open_csv(
            str(self.path),
            read_options=csv.ReadOptions(column_names=self.columns, use_threads=False),
            parse_options=csv.ParseOptions(delimiter=self.dialect.delimiter, quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=self._schema(), strings_can_be_null=True, null_values=[""]
            ),
        )
        is_first = True
        for batch in reader:
            # The line of names is the first row: skipping lines would count blank ones.
            yield batch.slice(1) if is_first and batch.num_rows else batch
            is_first = is_first and not batch.num_rows

    def _key(self) -> str:
        status = self.path.stat()
        read = (str(self.path.resolve()), status.st_size, status.st_mtime_ns, self.dialect, self.columns)
        return hashlib.sha256(repr(read).encode("utf-8")).hexdigest()[:32]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in what the readers below raise."""
    try:
        yield
    except (
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        UnicodeError,
        csv.Error,
    ) as error:
        raise DataError(f"`{path}` cannot be read as a table: {error}") from error


def _unquoted(cell: str) -> str:
    """The inside of a field that quotes enclose; a quote inside must be doubled, or it is a sentence that has quotes."""
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"':
        return cell
    inside = cell[1:-1]
    return cell if '"' in inside.replace('""', "") else inside.replace('""', '"')


def _require_equal_lengths(
    path: Path, dialect: Dialect, wanted: int, batch: Sequence[Sequence[str]], count: int
) -> None:
    if all(len(record) == wanted for record in batch):
        return
    index = next(index for index, record in enumerate(batch) if len(record) != wanted)
    number, received = count + index + 1, len(batch[index])
    hint = "mend the row, or put a field that holds the delimiter in quotes"
    if wanted == 1 and _first_field(path, dialect).startswith(("#", "%")):
        hint = "the first line is a comment: remove all lines above that of the names"
    elif number == 1 and all(len(record) == wanted + 1 for record in batch):
        hint = "the first line lacks a name, often that of the first column"
    raise DataError(
        f"`{path}`, row {number} (line {_line_of(path, dialect, number)}): expected {wanted} fields as in the first line, "
        f"received {received}; {hint}"
    )


def _first_field(path: Path, dialect: Dialect) -> str:
    with open_text(path, dialect) as file:
        return file.readline(200).strip()


def _require_closed_quotes(path: Path, dialect: Dialect, last: Sequence[str], number: int) -> None:
    """Raise DataError where the last field goes on to the end of the file because no quote closes it."""
    if not dialect.quotes or not {"\n", "\r"} & set(last[-1]):
        return
    line = _line_of(path, dialect, number)
    with open_text(path, dialect) as lines, long_fields():
        try:
            list(dialect.records(islice(lines, line - 1 - dialect.skipped, None), strict=True))
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise DataError(
                    f"`{path}`, row {number} (line {line}): a quote opens a field and none closes it; close it, or double a "
                    "quote that belongs to the text"
                ) from error


def _line_of(path: Path, dialect: Dialect, number: int) -> int:
    """Line at which a row begins, from 1; rows are counted from 1, below the header."""
    begun = dialect.skipped

    def counted(lines: Iterable[str]) -> Iterator[str]:
        nonlocal begun
        for line in lines:
            begun += 1
            yield line

    before = begun
    with open_text(path, dialect) as file, long_fields():
        for record in dialect.records(counted(file)):
            if any(True for _ in without_blank([record])):
                if number == 0:
                    return before + 1
                number -= 1
            before = begun
    return before
