"""Tables of text (CSV and TSV), every cell as text: nothing is guessed, so 001 stays 001 and NA is a word."""

from __future__ import annotations

import csv
import hashlib
import json
import lzma
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from perceivers.data.dialects import (
    DAMAGED,
    OR_LEAVE_OUT,
    SAMPLE_RECORDS,
    Dialect,
    has_damage,
    long_fields,
    open_text,
    sense,
    without_blank,
)
from perceivers.data.first_rows import require_whole_rows
from perceivers.data.headers import all_numbers, column_names, distinct_names
from perceivers.data.shared_lines import SharedLines
from perceivers.data.torn_records import records_one_by_one
from perceivers.errors import DataError, one_line

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
    def look_at(cls, path: Path, *, needs_names: bool = True, bears_torn: bool = False) -> DelimitedFile:
        """Sense how a file is written and read its header.

        Args:
            path: the file.
            needs_names: whether a first line that looks like data is an error; else numbers alone are data.
            bears_torn: whether a row with a wrong number of fields, or with a quote that is not closed, is no error now.

        Raises:
            DataError: it is no table of text; the message names file, row and what to do.
        """
        with _named(path):
            dialect, notes = sense(path)
            with open_text(path, dialect) as file, long_fields():
                first = list(islice(without_blank(dialect.records(file)), SAMPLE_RECORDS + 1))
        if not first:
            raise DataError(f"`{path}` cannot be read as a table: it is empty")
        if bears_torn and not dialect.plain:
            # A quote that is not closed makes one record of many.
            with _named(path):
                some = list(islice(records_one_by_one(path, dialect, len(first[0])), SAMPLE_RECORDS + 1))
            if some[0].reason:
                raise DataError(f"`{path}`, the line of names: {some[0].reason}")
            first = [record.cells or [] for record in some]
        if not dialect.quotes:
            first = [[_unquoted(cell) for cell in record] for record in first]
        header, *rest = first
        if any(map(has_damage, header)):
            raise DataError(f"`{path}`, the line of names: {DAMAGED}")
        whole = [record for record in rest if len(record) == len(header)]
        if bears_torn and 2 * len(whole) >= len(rest):
            rest = whole
        else:
            require_whole_rows(path, dialect, len(header), rest)
        if not needs_names and all_numbers(header):
            return cls(path, dialect, tuple(map(str, range(len(header)))), tuple(notes), has_names=False)
        names = column_names(path, header, rest) if needs_names else distinct_names(path, header)
        if header[0].startswith(("#", "%")) and len(header) > 1:
            notes.append(
                f"`{path}`: the first line begins with {header[0][0]} and was taken for the names of the columns; if it is a "
                "comment, remove it"
            )
        if not rest:
            raise DataError(f"`{path}` cannot be read as a table: there is no data below the line of names")
        return cls(path, dialect, tuple(names), tuple(notes))

    def batches(self, torn: dict[int, str] | None = None) -> Iterator[list[list[str | None]]]:
        """Read the file in batches of rows; each gives the cells by column, None for an empty field.

        Args:
            torn: receives the reason for each row that cannot be read, by its number from 0; all its cells are None. Without
                it, the first such row is an error.
        """
        count = 0
        # Every record is looked at, then.
        careful = self.dialect.damaged
        is_checked = not self.dialect.quotes
        with _named(self.path), open_text(self.path, self.dialect) as file:
            records = without_blank(self.dialect.records(file))
            if self.has_names:
                with long_fields():
                    next(records)
            while not careful:
                # Not held open over a yield: others may read a file in between.
                with long_fields():
                    batch = list(islice(records, BATCH_RECORDS))
                if not batch:
                    return
                if not is_checked and any(
                    "\n" in cell or "\r" in cell for record in batch for cell in record
                ):
                    # Ends of lines in fields: either all quotes are closed, or one has swallowed rows.
                    if not _all_closed(self.path, self.dialect):
                        break
                    is_checked = True
                if any(len(record) != len(self.columns) for record in batch):
                    break
                yield self._by_column(batch)
                count += len(batch)
        yield from self._torn_batches(count, {} if torn is None else torn, stops=torn is None)

    def _torn_batches(
        self, count: int, torn: dict[int, str], *, stops: bool
    ) -> Iterator[list[list[str | None]]]:
        """The batches behind the first `count` rows, of a file that has torn rows."""
        first = 1 if self.has_names else 0
        with _named(self.path):
            records = islice(
                records_one_by_one(self.path, self.dialect, len(self.columns)), first + count, None
            )
            while some := list(islice(records, BATCH_RECORDS)):
                for record in some:
                    if record.reason:
                        row = record.number - first
                        reason = f"`{self.path}`, row {row + 1} (line {record.line}): {record.reason}"
                        if stops:
                            raise DataError(f"{reason}{OR_LEAVE_OUT}")
                        torn[row] = reason
                yield self._by_column([record.cells or [""] * len(self.columns) for record in some])

    def _by_column(self, batch: Sequence[Sequence[str]]) -> list[list[str | None]]:
        columns = zip(*batch, strict=True)
        if self.dialect.quotes:
            return [[cell or None for cell in column] for column in columns]
        return [[_unquoted(cell) or None for cell in column] for column in columns]

    def rows(self, torn: dict[int, str] | None = None) -> Iterator[dict[str, str | None]]:
        """Read the file row by row; see `batches`."""
        for batch in self.batches(torn):
            for cells in zip(*batch, strict=True):
                yield dict(zip(self.columns, cells, strict=True))

    def dataset(self, torn: dict[int, str] | None = None) -> Any:
        """The rows as `datasets.Dataset`: held in memory, or mapped into it where the file is large; see `batches`."""
        import datasets
        import pyarrow

        if self.path.stat().st_size <= LARGEST_HELD:
            batches = list(self._arrow_batches(torn))
            return datasets.Dataset(pyarrow.Table.from_batches(batches), fingerprint=self._key())
        folder = Path(datasets.config.HF_DATASETS_CACHE) / "perceivers"
        cached, reasons = folder / f"{self._key()}.arrow", folder / f"{self._key()}.torn.json"
        if not cached.is_file() or (torn is None and reasons.is_file()):
            # With torn rows and none allowed: read again, as far as the first of them.
            folder.mkdir(parents=True, exist_ok=True)
            with _published(cached) as unfinished:
                with (
                    unfinished.open("wb") as file,
                    pyarrow.ipc.new_stream(file, self._schema()) as writer,
                ):
                    for batch in self._arrow_batches(torn):
                        writer.write_batch(batch)
                if torn:
                    # Before the rows: who finds them is to find what is wrong with some.
                    with _published(reasons) as noted:
                        noted.write_text(json.dumps(torn), encoding="utf-8")
        elif torn is not None and reasons.is_file():
            torn.update(
                (int(row), reason) for row, reason in json.loads(reasons.read_text(encoding="utf-8")).items()
            )
        return datasets.Dataset.from_file(str(cached))

    def stream(self, left_out: SharedLines | None = None) -> Any:
        """The rows as `datasets.IterableDataset`.

        Args:
            left_out: receives the reason for each row that cannot be read, in every pass; None makes it an error.
        """
        import datasets

        features = datasets.Features({name: datasets.Value("string") for name in self.columns})
        return datasets.IterableDataset.from_generator(
            self._streamed, features=features, gen_kwargs={"left_out": left_out}
        )

    def _streamed(self, left_out: SharedLines | None) -> Iterator[dict[str, str | None]]:
        torn: dict[int, str] | None = None if left_out is None else {}
        noted = 0
        for number, row in enumerate(self.rows(torn)):
            if torn and left_out is not None:
                for reason in list(torn.values())[noted:]:
                    left_out.add(reason)
                noted = len(torn)
                if number in torn:
                    continue
            yield row

    def _schema(self) -> Any:
        import pyarrow

        return pyarrow.schema([(name, pyarrow.string()) for name in self.columns])

    def _arrow_batches(self, torn: dict[int, str] | None) -> Iterator[Any]:
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
        for cells in self.batches(torn):
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
        raise DataError(f"`{path}` cannot be read as a table: {one_line(error)}") from error


def _unquoted(cell: str) -> str:
    """The inside of a field that quotes enclose; a quote inside must be doubled, or it is a sentence that has quotes."""
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"':
        return cell
    inside = cell[1:-1]
    return cell if '"' in inside.replace('""', "") else inside.replace('""', '"')


def _all_closed(path: Path, dialect: Dialect) -> bool:
    """Whether every quote in a file is closed where its field ends."""
    with open_text(path, dialect) as file, long_fields():
        try:
            for _ in dialect.records(file, strict=True):
                pass
        except csv.Error:
            return False
    return True


@contextmanager
def _published(path: Path) -> Iterator[Path]:
    """A file to write into, which takes the name when it is complete; processes that write alike at once do no harm."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".unfinished")
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
