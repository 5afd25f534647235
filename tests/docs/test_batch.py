"""docs/batch.md: its first example runs, its commands are understood, what needs other engines is Python at least."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from documented import ROOT, blocks_of, commands_of
from perceivers.batch import BatchPredictor
from perceivers.batch.columns import answer_columns
from perceivers.cli import app
from tiny_tables import fit_tiny

PAGE = ROOT / "docs" / "batch.md"


def test_the_function_answers_as_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = [index % 7 + 1 for index in range(61)]
    houses = {
        "rooms": rooms,
        "town": ["Ulm" if index % 2 else "Bonn" for index in range(61)],
        "price": [100.0 * each + index / 7 for index, each in enumerate(rooms)],
    }
    fit_tiny(houses, "price", output=tmp_path / "runs" / "houses", epochs=1)
    monkeypatch.chdir(tmp_path)
    values: dict[str, Any] = {}
    exec(blocks_of(PAGE, "python")[0], values)
    assert values["answers"]["id"].tolist() == [7, 8]
    assert values["answers"]["price"].notna().all()
    columns = answer_columns(values["predict"].predictor.parts.processor.answers)
    assert next(iter(columns)) == "price"


def test_every_other_example_is_python_and_names_what_there_is() -> None:
    others = blocks_of(PAGE, "python")[1:]
    assert len(others) == 3
    for block in others:
        ast.parse(block)
        assert BatchPredictor.__name__ in block or "predict" in block


def test_every_command_of_the_page_is_understood() -> None:
    commands = commands_of(PAGE)
    assert len(commands) == 2
    for command in commands:
        app.parse_args(command, exit_on_error=False, print_error=False)
