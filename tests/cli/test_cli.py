"""The command as a user meets it: help, lists, mistakes. No command of this file trains."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from perceivers.cli import main
from perceivers.data.bundled import BUNDLED
from perceivers.errors import EMPTY_PATH
from perceivers.tasks.registry import TASKS, task_class

HEAVY = ("torch", "transformers", "accelerate", "torchmetrics", "matplotlib", "sklearn", "datasets")


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return int(stopped.value.code or 0)


def plain(text: str) -> str:
    """One line without box drawing, so that a narrow terminal's wrapping does not matter."""
    return " ".join(re.sub(r"[^\x20-\x7e]", " ", text).split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["train", "image-classification", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from perceivers.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: perceivers" in finished.stdout
    assert "HEAVY []" in finished.stdout


def test_the_module_runs_as_the_command() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "perceivers", "tasks"], capture_output=True, text=True, check=True
    )
    assert "image-classi" in finished.stdout


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    call("--help")
    shown = capsys.readouterr().out
    for command in ("train", "evaluate", "predict", "convert", "tasks", "samples"):
        assert re.search(rf"│ {command}\s", shown), command


def test_every_task_has_a_training_command_with_documented_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in TASKS:
        call("train", name, "--help")
        shown = plain(capsys.readouterr().out)
        for option in (
            "--data",
            "--output",
            "--epochs",
            "--learning-rate",
            "--test-fraction",
        ):
            assert option in shown
        # Networks that are known by their names alone.
        assert ("--num-latents" in shown) != ("--network" in shown)
        assert "Passes over the training samples." in shown


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    call("--version")
    assert capsys.readouterr().out.strip() == version("perceivers")


def test_tasks_are_listed_and_each_can_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    call("tasks")
    shown = plain(capsys.readouterr().out)
    for name, entry in TASKS.items():
        assert task_class(name).name == name
        assert entry.metrics.split(",")[0].split()[0] in shown


def test_samples_are_listed_with_content_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    call("samples")
    shown = plain(capsys.readouterr().out)
    for name, entry in BUNDLED.items():
        assert name in shown
        assert entry.package.split()[-1] in shown
        assert "1,797" in shown
        assert "CC BY 4.0" in shown.replace("  ", " ") or "BY 4.0" in shown


def test_samples_are_written_as_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("samples", "digits", "--output", str(tmp_path), "--count", "7", "--split", "test") == 0
    assert "7 files written to" in plain(capsys.readouterr().out)
    assert len(list(tmp_path.rglob("*.png"))) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["samples", "digits"],
            "error: `name` and `output` go together: perceivers samples digits --output FOLDER",
        ),
        (["samples", "letters", "--output", "x"], "error: `name` must be one of"),
        (["evaluate", "/no/such/run"], "error: `folder` must be a training run with a file arguments.yaml"),
        (["predict", "/no/such/run", "x.png", "--output", "y"], "error: `folder` must be a training run"),
        (["predict", "", "x.png", "--output", "y"], f"error: `folder` must be a folder, {EMPTY_PATH}"),
        (["runs", "", "--output", "y"], f"error: `folder` must be a folder, {EMPTY_PATH}"),
        (["predict", "run", "x.png", "--output", ""], f"error: `output` must be a folder, {EMPTY_PATH}"),
        (["export", "run", "--output="], f"error: `output` must be a folder, {EMPTY_PATH}"),
        (["inspect", ""], f"error: `data` must be a name or a path, {EMPTY_PATH}"),
        (
            ["train", "table", "--data", "", "--target", "y", "--output", "x"],
            f"error: `data` must be a name or a path, {EMPTY_PATH}",
        ),
        (
            ["train", "image-classification", "--data", "digits", "--output", "x", "--epochs", "0"],
            "error: `epochs` must be at least 1, received 0",
        ),
        (
            ["train", "image-classification", "--data", "/no/such", "--output", "/no/run"],
            "error: `data` must be a bundled name (",
        ),
    ],
)
def test_a_mistake_is_one_readable_line_and_exit_code_1(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err + captured.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "no-such-task"],
        ["train", "image-classification", "--output", "x"],
        ["train", "image-classification", "--data", "digits", "--output", "x", "--epoch", "3"],
        ["train", "image-classification", "--data", "digits", "--output", "x", "--optimizer", "sgd"],
        ["evaluate"],
    ],
)
def test_a_wrong_use_is_explained_without_a_traceback(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) != 0
    captured = capsys.readouterr()
    assert "Error" in captured.err + captured.out
    assert "Traceback" not in captured.err + captured.out


def test_an_interrupt_ends_the_command_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perceivers.kinds.sample_files.write_samples", interrupted)
    assert call("samples", "digits", "--output", str(tmp_path)) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_square_brackets_in_a_message_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "/runs/[red]x[/red]") == 1
    assert "'/runs/[red]x[/red]'" in capsys.readouterr().err
