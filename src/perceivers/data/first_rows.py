"""What is wrong with the rows at the beginning of a table of text: said with the line and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from perceivers.data.dialects import OR_LEAVE_OUT, Dialect, open_text
from perceivers.data.torn_records import records_one_by_one
from perceivers.errors import DataError


def require_whole_rows(path: Path, dialect: Dialect, wanted: int, rows: Sequence[Sequence[str]]) -> None:
    """Raise DataError for the first of the first rows that has not `wanted` fields, or a quote that none closes."""
    is_even = all(len(row) == wanted for row in rows)
    if is_even and not any("\n" in cell or "\r" in cell for row in rows for cell in row):
        return
    hint = ""
    if not is_even and wanted == 1 and _first_field(path, dialect).startswith(("#", "%")):
        hint = "the first line is a comment: remove all lines above that of the names"
    elif not is_even and wanted == 1 and len(set(map(len, rows))) == 1 and len(rows) > 1:
        hint = "the first line is no line of names, but a title perhaps: remove all lines above that of the names"
    elif rows and all(len(row) == wanted + 1 for row in rows):
        hint = "the first line lacks a name, often that of the first column"
    for record in islice(records_one_by_one(path, dialect, wanted), 1, len(rows) + 1):
        if record.reason:
            reason = f"{record.reason.partition(';')[0]}; {hint}" if hint else record.reason + OR_LEAVE_OUT
            raise DataError(f"`{path}`, row {record.number} (line {record.line}): {reason}")


def _first_field(path: Path, dialect: Dialect) -> str:
    with open_text(path, dialect) as file:
        return file.readline(200).strip()
