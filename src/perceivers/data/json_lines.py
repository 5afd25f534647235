"""Tables of JSON, every text as text: nothing is guessed, so a text such as 2024-03-31 is no date and 001 no number."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from perceivers.data.dialects import DAMAGED, OR_LEAVE_OUT, has_damage, open_text, sense_encoding
from perceivers.data.shared_lines import SharedLines
from perceivers.errors import DataError, one_line

_NAMES_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Rows that tell the columns of a stream.
FIRST_ROWS = 1_000


@dataclass(frozen=True)
class JsonFile:
    """A table of JSON: an object a line (`.jsonl`), a list of objects, or an object of lists (`.json`).

    Args:
        path: the file.
    """

    path: Path

    def rows(self, torn: dict[int, str] | None = None) -> Iterator[dict[str, Any]]:
        """Read the file row by row; not all rows need have all keys.

        Args:
            torn: receives the reason for each row that cannot be read, by its number from 0, which is given as an empty row.
                Without it, the first such row is an error.

        Raises:
            DataError: it is no such table; the message names the row and the line.
        """
        for number, row in enumerate(self._read()):
            if isinstance(row, DataError):
                if torn is None:
                    raise DataError(f"{row}{OR_LEAVE_OUT}")
                torn[number] = str(row)
                yield {}
            else:
                yield row

    def _read(self) -> Iterator[dict[str, Any] | DataError]:
        """The rows; one that cannot be read gives its error."""
        try:
            dialect, _ = sense_encoding(self.path)
            with open_text(self.path, dialect) as file:
                written = (line for line in file if line.strip())
                first, second = next(written, ""), next(written, "")
                file.seek(0)
                # A line alone may be a whole table.
                if first.lstrip().startswith("{") and _is_json(first) and second:
                    yield from self._lines(file)
                    return
                text = file.read()
            if _is_json(text) or not _mostly_rows(text):
                yield from self._whole(text)
            else:
                # The first line is torn.
                yield from self._lines(io.StringIO(text))
        except (OSError, EOFError, UnicodeError) as error:
            raise DataError(f"`{self.path}` cannot be read as a table: {one_line(error)}") from error

    def notes(self) -> list[str]:
        """What the user should know about how the file is read."""
        try:
            return sense_encoding(self.path)[1]
        except (OSError, EOFError, UnicodeError) as error:
            raise DataError(f"`{self.path}` cannot be read as a table: {one_line(error)}") from error

    @property
    def _is_lines(self) -> bool:
        """Whether the file's name says that each line is a row."""
        return ".jsonl" in (suffix.lower() for suffix in self.path.suffixes[-2:])

    def dataset(self, torn: dict[int, str] | None = None) -> Any:
        """The rows as `datasets.Dataset`, held in memory; see `rows`."""
        import datasets
        import pyarrow

        columns: dict[str, list[Any]] = {}
        for count, row in enumerate(self.rows(torn)):
            for name in row:
                if name not in columns:
                    columns[name] = [None] * count
            for name, cells in columns.items():
                cells.append(row.get(name))
        if not columns:
            raise DataError(
                next(iter((torn or {}).values()), f"`{self.path}` cannot be read as a table: it is empty")
            )
        table = pyarrow.table({name: _arrow(cells) for name, cells in columns.items()})
        return datasets.Dataset(table)

    def stream(self, left_out: SharedLines | None = None) -> Any:
        """The rows as `datasets.IterableDataset`; their columns are those of the first rows.

        Args:
            left_out: receives the reason for each row that cannot be read, in every pass; None makes it an error.
        """
        import datasets

        some = islice(self.rows(None if left_out is None else {}), FIRST_ROWS)
        # A list would be taken for shards.
        names = tuple(dict.fromkeys(name for row in some for name in row))
        if not names:
            raise DataError(f"`{self.path}` cannot be read as a table: it is empty")
        return datasets.IterableDataset.from_generator(
            _rows_of, gen_kwargs={"file": self, "names": names, "left_out": left_out}
        )

    def _lines(self, lines: Any) -> Iterator[dict[str, Any] | DataError]:
        row = 0
        for number, line in enumerate(lines, start=1):
            if line.strip():
                row += 1
                yield self._row(line, f", row {row} (line {number})")

    def _whole(self, text: str) -> Iterator[dict[str, Any] | DataError]:
        if not text.strip():
            raise DataError(f"`{self.path}` cannot be read as a table: it is empty")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"`{self.path}`: this is no JSON: {error}") from error
        if isinstance(found, Mapping):
            rows = None if self._is_lines else _rows_of_object(found)
            # An object alone that is no table is a row.
            found = [found] if rows is None and "\n" not in text.strip() else rows
        if not isinstance(found, list):
            received = "another object" if found is None else type(found).__name__
            raise DataError(
                f"`{self.path}` cannot be read as a table: expected a list of objects, an object of equally long lists, or "
                f"an object a line, received {received}"
            )
        for number, row in enumerate(found, start=1):
            yield self._object(row, f", row {number}")

    def _row(self, line: str, where: str) -> dict[str, Any] | DataError:
        if has_damage(line):
            return DataError(f"`{self.path}`{where}: {DAMAGED}")
        try:
            row = json.loads(line)
            if _NAMES_SURROGATE.search(line) is not None:
                # Half a pair of them, which JSON can name, is no letter.
                json.dumps(row, ensure_ascii=False).encode("utf-8")
            return self._object(row, where)
        except (ValueError, RecursionError) as error:
            return DataError(f"`{self.path}`{where}: this is no JSON: {error}; mend the line")

    def _object(self, row: Any, where: str) -> dict[str, Any] | DataError:
        if isinstance(row, dict):
            return row
        return DataError(
            f"`{self.path}`{where}: expected an object with a value a column, received {type(row).__name__}; mend the row"
        )


def _rows_of_object(found: Mapping[str, Any]) -> list[Any] | None:
    """The rows of a table that is one object, in the forms that pandas and others write; None where it is none of them."""
    lists = {name: cells for name, cells in found.items() if isinstance(cells, list)}
    if len(lists) == 1 and all(isinstance(row, Mapping) for row in next(iter(lists.values()))):
        # {"data": [rows]}
        return next(iter(lists.values()))
    if {"columns", "data"} <= lists.keys() <= {"columns", "index", "data"} and all(
        isinstance(row, list) and len(row) == len(lists["columns"]) for row in lists["data"]
    ):
        # pandas' "split"
        return [dict(zip(map(str, lists["columns"]), row, strict=True)) for row in lists["data"]]
    if lists and len(lists) == len(found) and len({len(cells) for cells in lists.values()}) == 1:
        return [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
    inner = [list(cells) if isinstance(cells, Mapping) else None for cells in found.values()]
    if inner and inner[0] and all(names == inner[0] for names in inner):
        # pandas' usual form: {"column": {"0": cell, "1": cell}}
        return [{name: cells[row] for name, cells in found.items()} for row in inner[0]]
    return None


def _rows_of(
    file: JsonFile, names: tuple[str, ...], left_out: SharedLines | None
) -> Iterator[dict[str, Any]]:
    torn: dict[int, str] | None = None if left_out is None else {}
    for number, row in enumerate(file.rows(torn)):
        if torn and left_out is not None and number in torn:
            left_out.add(torn[number])
        else:
            yield {name: row.get(name) for name in names}


def _mostly_rows(text: str) -> bool:
    """Whether most of the first lines are objects by themselves."""
    lines = list(islice((line for line in io.StringIO(text) if line.strip()), FIRST_ROWS))
    return 2 * sum(line.lstrip().startswith("{") and _is_json(line) for line in lines) >= len(lines) > 1


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _arrow(cells: list[Any]) -> Any:
    """A column for Arrow; of several types, numbers and truth values beside texts are texts."""
    import pyarrow

    try:
        return pyarrow.array(cells)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        return pyarrow.array(
            [
                cell if cell is None or isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
                for cell in cells
            ]
        )
