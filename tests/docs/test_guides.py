"""docs/guides.md and docs/index.md: every task has a row and a command, the commands are understood, the example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from documented import ROOT, blocks_of, commands_of
from perceivers.cli import app
from perceivers.data.bundled import BUNDLED
from perceivers.tasks.registry import TASKS

GUIDES = ROOT / "docs" / "guides.md"
START = ROOT / "docs" / "index.md"


def test_every_task_has_a_row_and_a_command_on_bundled_data() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", GUIDES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(rows) == sorted(TASKS)
    commands = commands_of(GUIDES)
    assert [command[1] for command in commands] == rows
    for command in commands:
        assert command[command.index("--data") + 1] in BUNDLED, command


@pytest.mark.parametrize("page", [GUIDES, START])
def test_every_command_is_understood(page: Path) -> None:
    commands = commands_of(page)
    assert commands
    for command in commands:
        app.parse_args(command, exit_on_error=False, print_error=False)


def test_the_example_of_the_start_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks_of(START, "python")
    values: dict[str, Any] = {}
    # The example names no steps: what is chosen from the rows takes longer than a test may.
    quick = example.replace('output="runs/houses"', 'output="runs/houses", steps=2')
    assert quick != example
    exec(compile(quick, str(START), "exec"), values)
    assert (tmp_path / "runs" / "houses" / "results.json").is_file()
