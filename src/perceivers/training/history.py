"""The history of a run as files that grow while it goes on: one JSON object a line, and a CSV where it is asked for."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from perceivers.records import whole_file, writing

LINES_FILE, CSV_FILE = "history.jsonl", "history.csv"
_CURE = "make room there, then --resume"


class HistoryFiles:
    """`history.jsonl`, and `history.csv`, in a run's folder: one row a look at the validation samples.

    Args:
        folder: of the run.
        as_csv: whether to write the CSV too.
    """

    def __init__(self, folder: Path, as_csv: bool) -> None:
        self._folder, self._as_csv = folder, as_csv

    def begin(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write the rows that there are: none, or those of an earlier session up to its last checkpoint."""
        with writing(self._folder / LINES_FILE, _CURE), whole_file(self._folder / LINES_FILE) as partial:
            partial.write_text("".join(map(_line, history)), encoding="utf-8")
        self._write_csv(history)

    def add(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write the latest row of `history`."""
        with (
            writing(self._folder / LINES_FILE, _CURE),
            (self._folder / LINES_FILE).open("a", encoding="utf-8") as file,
        ):
            file.write(_line(history[-1]))
        self._write_csv(history)

    def _write_csv(self, history: Sequence[Mapping[str, float]]) -> None:
        if not self._as_csv:
            return
        columns = list(dict.fromkeys(name for row in history for name in row))
        path = self._folder / CSV_FILE
        with (
            writing(path, _CURE),
            whole_file(path) as partial,
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(history)


def _line(row: Mapping[str, float]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
