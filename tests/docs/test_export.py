"""docs/export.md: its commands are understood, its Python compiles, and it names what a file's tensors are called."""

from __future__ import annotations

from documented import ROOT, blocks_of, commands_of
from perceivers.cli import app
from perceivers.export.proof import MOST_ERROR
from perceivers.export.samples import JAVASCRIPT_FILE, PYTHON_FILE, SAMPLE_FILE
from perceivers.runtime.ports import ROLES
from perceivers.runtime.predictor import EXPORT_FILE

PAGE = ROOT / "docs" / "export.md"


def test_its_commands_are_understood_and_its_python_compiles() -> None:
    commands = [command for command in commands_of(PAGE) if command[0] == "export"]
    assert commands
    for command in commands:
        app.parse_args(command, exit_on_error=False, print_error=False)
    for block in blocks_of(PAGE, "python"):
        compile(block, "docs/export.md", "exec")


def test_it_names_files_tensors_and_the_error_that_fails() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in (
        SAMPLE_FILE,
        PYTHON_FILE,
        JAVASCRIPT_FILE,
        EXPORT_FILE,
        *(f"`{role}`" for role in ROLES.values()),
    ):
        assert name in text
    assert f"More than {MOST_ERROR:.0e}".replace("e-0", "e-") in text
