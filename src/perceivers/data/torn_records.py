"""Records of a table of text that has torn ones: each good one, and the reason for each that is not."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perceivers.data.dialects import DAMAGED, Dialect, has_damage, long_fields, open_text, without_blank


@dataclass(frozen=True)
class Record:
    """A record of a file.

    Args:
        number: counted from 0 at the first record, blank lines left out.
        line: where it begins, from 1.
        cells: its fields; None where it is torn.
        reason: what is wrong with it, "" for nothing.
    """

    number: int
    line: int
    cells: list[str] | None
    reason: str = ""


def records_one_by_one(path: Path, dialect: Dialect, width: int) -> Iterator[Record]:
    """Read a file record by record. Whatever a torn one does to its line, the lines below it are read as they are.

    Args:
        path: the file.
        dialect: how it is written.
        width: fields of a good record.
    """
    number = 0
    with open_text(path, dialect) as file:
        lines = _Lines(file, dialect.skipped)
        records = dialect.records(lines)
        while True:
            lines.taken.clear()
            begin = lines.number + 1
            # Not held open over a yield: others may read a file in between.
            with long_fields():
                cells = next(records, None)
                if cells is None:
                    return
                if not any(True for _ in without_blank([cells])):
                    continue
                is_torn = len(lines.taken) > 1 and not _is_closed(dialect, lines.taken)
            if is_torn:
                # The quote has swallowed the lines below, up to the next quote or to the end of the file.
                lines.give_back()
                reason = "a quote opens a field and none closes it; close it, or double a quote that belongs to the text"
            elif dialect.damaged and any(map(has_damage, cells)):
                reason = DAMAGED
            elif len(cells) != width:
                reason = (
                    f"expected {width} fields as in the first line, received {len(cells)}; mend the row, or put a field that "
                    "holds the delimiter in quotes"
                )
            else:
                reason = ""
            yield Record(number, begin, None if reason else cells, reason)
            number += 1


class _Lines:
    """The lines of a file, of which those behind the first of a record can be given back."""

    def __init__(self, file: Iterator[str], skipped: int) -> None:
        self._file = file
        self._returned: list[str] = []
        self.number = skipped
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._file)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        rest = self.taken[1:]
        self._returned.extend(reversed(rest))
        self.number -= len(rest)


def _is_closed(dialect: Dialect, lines: list[str]) -> bool:
    """Whether every quote of these lines is closed where a field ends."""
    try:
        list(dialect.records(iter(lines), strict=True))
    except csv.Error:
        return False
    return True
