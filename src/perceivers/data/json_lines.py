"""Tables of JSON, every text as text: nothing is guessed, so a text such as 2024-03-31 is no date and 001 no number."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from perceivers.data.dialects import DAMAGED, OR_LEAVE_OUT, has_damage, open_text, sense_encoding
from perceivers.data.shared_lines import SharedLines
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
                first = next((line for line in file if line.strip()), "")
                file.seek(0)
                if first.lstrip().startswith("{") and _is_json(first):
                    yield from self._lines(file)
                    return
                text = file.read()
            if _is_json(text) or not _mostly_rows(text):
                yield from self._whole(text)
            else:
                # The first line is torn.
                yield from self._lines(io.StringIO(text))
        except (OSError, EOFError, UnicodeError) as error:
            raise DataError(f"`{self.path}` cannot be read as a table: {error}") from error

    def notes(self) -> list[str]:
        """What the user should know about how the file is read."""
        try:
            return sense_encoding(self.path)[1]
        except (OSError, EOFError, UnicodeError) as error:
            raise DataError(f"`{self.path}` cannot be read as a table: {error}") from error

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
            yield self._object(row, f", row {number}")

    def _row(self, line: str, where: str) -> dict[str, Any] | DataError:
        if has_damage(line):
            return DataError(f"`{self.path}`{where}: {DAMAGED}")
        try:
            return self._object(json.loads(line), where)
        except (ValueError, RecursionError) as error:
            return DataError(f"`{self.path}`{where}: this is no JSON: {error}; mend the line")

    def _object(self, row: Any, where: str) -> dict[str, Any] | DataError:
        if isinstance(row, dict):
            return row
        return DataError(
            f"`{self.path}`{where}: expected an object with a value a column, received {type(row).__name__}; mend the row"
        )


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
