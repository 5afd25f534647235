"""Tables of JSON, every text as text: nothing is guessed, so a text such as 2024-03-31 is no date and 001 no number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from perceivers.data.dialects import open_text, sense_encoding
from perceivers.errors import DataError

BATCH_ROWS = 1_000
# Rows that tell the columns of a stream.
FIRST_ROWS = 1_000


@dataclass(frozen=True)
class JsonFile:
    """A table of JSON: an object a line (`.jsonl`), a list of objects, or an object of lists (`.json`).

    Args:
        path: the file.
    """

    path: Path

    def rows(self) -> Iterator[dict[str, Any]]:
        """Read the file row by row; not all rows need have all keys.

        Raises:
            DataError: it is no such table; the message names the line.
        """
        try:
            dialect, _ = sense_encoding(self.path)
            with open_text(self.path, dialect) as file:
                first = next((line for line in file if line.strip()), "")
                file.seek(0)
                if first.lstrip().startswith("{") and _is_json(first):
                    yield from self._lines(file)
                else:
                    yield from self._whole(file.read())
        except (OSError, EOFError, UnicodeError) as error:
            raise DataError(f"`{self.path}` cannot be read as a table: {error}") from error

    def dataset(self) -> Any:
        """The rows as `datasets.Dataset`, held in memory."""
        import datasets
        import pyarrow

        columns: dict[str, list[Any]] = {}
        count = 0
        for row in self.rows():
            for name in row:
                if name not in columns:
                    columns[name] = [None] * count
            for name, cells in columns.items():
                cells.append(row.get(name))
            count += 1
        if not count:
            raise DataError(f"`{self.path}` cannot be read as a table: it is empty")
        table = pyarrow.table({name: _arrow(cells) for name, cells in columns.items()})
        return datasets.Dataset(table)

    def stream(self) -> Any:
        """The rows as `datasets.IterableDataset`; their columns are those of the first rows."""
        import datasets

        # A list would be taken for shards.
        names = tuple(dict.fromkeys(name for row in islice(self.rows(), FIRST_ROWS) for name in row))
        if not names:
            raise DataError(f"`{self.path}` cannot be read as a table: it is empty")
        return datasets.IterableDataset.from_generator(_rows_of, gen_kwargs={"file": self, "names": names})

    def _lines(self, lines: Any) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield self._row(self._parsed(line, f", line {number}"), f", line {number}")

    def _whole(self, text: str) -> Iterator[dict[str, Any]]:
        if not text.strip():
            raise DataError(f"`{self.path}` cannot be read as a table: it is empty")
        found = self._parsed(text, "")
        if isinstance(found, Mapping):
            lists = {name: cells for name, cells in found.items() if isinstance(cells, list)}
            if len(lists) == 1 and all(isinstance(row, Mapping) for row in next(iter(lists.values()))):
                # {"data": [rows]}, as many programs write it.
                found = next(iter(lists.values()))
            elif len(lists) == len(found) and len({len(cells) for cells in lists.values()}) == 1:
                names = list(lists)
                found = [dict(zip(names, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
        if not isinstance(found, list):
            raise DataError(
                f"`{self.path}` cannot be read as a table: expected a list of objects, an object of equally long lists, or "
                f"an object a line, received {type(found).__name__}"
            )
        for number, row in enumerate(found, start=1):
            yield self._row(row, f", row {number}")

    def _parsed(self, text: str, where: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            cure = "; mend the line, or remove it" if where else ""
            raise DataError(f"`{self.path}`{where}: this is no JSON: {error}{cure}") from error

    def _row(self, row: Any, where: str) -> dict[str, Any]:
        if not isinstance(row, dict):
            raise DataError(
                f"`{self.path}`{where}: expected an object with a value a column, received {type(row).__name__}"
            )
        return row


def _rows_of(file: JsonFile, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for row in file.rows():
        yield {name: row.get(name) for name in names}


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
