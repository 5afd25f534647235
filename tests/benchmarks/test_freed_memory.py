"""The benchmark of memory that steps free, on a tiny set, without processes of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import freed_memory
import pytest
import training_ways
from freed_memory import Steps
from learning_sets import LearningSet
from measuring import Outcome

from tiny_tables import fruit, write_table


def fruit_in(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    return str(write_table(folder / "fruit.csv", fruit(31)))


def test_the_script_writes_a_row_a_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(freed_memory, "in_fresh_process", lambda function, *given: Outcome(function(*given)))
    # The bundled sets take longer to be opened, and to be fitted linear models to, than to be timed.
    tiny = LearningSet("fruit", "table", fruit_in, task_options={"target": ("kind",), "linear_start": False})
    monkeypatch.setattr(training_ways, "packaged", lambda: [tiny])
    output = tmp_path / "freed.md"
    freed_memory.main(["--sets", "fruit", "--repetitions", "1", "--steps", "2", "--output", str(output)])
    text = output.read_text()
    assert "Medians of 1 processes each, of 2 steps." in text
    (row,) = [line for line in text.splitlines() if line.startswith("| fruit")]
    assert row.count("|") == 7


def test_ratios_are_of_the_medians_of_processes() -> None:
    def steps(*seconds: float) -> list[Any]:
        return [Steps(each, 10 * each, 100 * each) for each in seconds]

    row = freed_memory.row_of("a set", steps(2.0, 9.0, 1.0), steps(3.0, 4.0, 30.0))
    assert row == ["a set", "2.00 s", "4.00 s", "2.00x", "20, 40", "200 MiB, 400 MiB"]
