"""Runs stand side by side: what differs, what they scored, the best first by the part that chooses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from perceivers.cli import main
from perceivers.errors import ConfigurationError, DataError
from perceivers.training.leaderboard import find_runs, leaderboards, markdown, said, write_leaderboards


def write_run(
    folder: Path,
    learning_rate: float,
    loss: float | None,
    accuracy: float,
    *,
    task: str = "table",
    finished: bool = True,
    best_by: Any = ("loss", "lower"),
) -> None:
    folder.mkdir(parents=True)
    (folder / "arguments.yaml").write_text(
        f"task: {task}\ntraining: {{epochs: 3, workers: {len(folder.name)}}}\n"
        f"optimization: {{learning_rate: {learning_rate}}}\n"
    )
    if loss is None:
        return
    results = {
        "finished": finished,
        "validation": {"loss": loss, "accuracy": accuracy},
        "test": {"accuracy": accuracy - 0.1},
        "steps": 1200,
        "seconds": {"training": 7.5},
        "parameters": 4321,
    }
    if best_by is not None:
        results["best_by"] = list(best_by)
    (folder / "results.json").write_text(json.dumps(results))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_run(tmp_path / "a", 0.01, 0.5, 0.8)
    write_run(tmp_path / "deep" / "b", 0.02, 0.3, 0.7, finished=False)
    write_run(tmp_path / "c", 0.03, None, 0.0)
    write_run(tmp_path / "d", 0.04, None, 0.0)
    (tmp_path / "d" / "history.jsonl").write_text(
        '{"step": 7.0, "validation_loss": 0.9}\n{"step": 14.0, "validation_loss": 0.4}\n{"step": 21'
    )
    write_run(tmp_path / "a" / ".new", 0.05, 0.1, 0.9)
    return tmp_path


def test_runs_are_sorted_by_what_they_chose_by_on_the_validation_part(folder: Path) -> None:
    (board,) = leaderboards(find_runs(folder))
    assert board.by == "validation loss"
    assert [run.name for run in board.runs] == ["deep/b", "d", "a", "c"]
    assert [run.state for run in board.runs] == ["stopped", "unfinished", "finished", "unfinished"]
    assert [run.steps for run in board.runs] == [1200, 14, 1200, 0]
    # Epochs are the same everywhere, and workers no choice that one compares.
    assert board.settings == ("optimization.learning_rate",)
    assert board.scores == ("validation loss", "validation accuracy", "test accuracy")
    assert board.cells()[0] == ["deep/b", 0.3, 0.7, pytest.approx(0.6), 0.02, "stopped", 1200, 7.5, 4321]


def test_another_score_may_be_asked_for_in_either_direction(folder: Path) -> None:
    runs = find_runs(folder)
    (board,) = leaderboards(runs, "test accuracy")
    assert [run.name for run in board.runs][:2] == ["a", "deep/b"]
    # The same measure on the other part stands beside it.
    assert board.scores == ("test accuracy", "validation accuracy", "validation loss")
    (board,) = leaderboards(runs, "test accuracy", lower=True)
    assert [run.name for run in board.runs][:2] == ["deep/b", "a"]
    with pytest.raises(ConfigurationError, match=r"`by` must be one of validation loss, .*received 'beauty'"):
        leaderboards(runs, "beauty")


def test_each_task_has_its_own_board(folder: Path) -> None:
    write_run(folder / "e", 0.01, 2.0, 0.5, task="image-classification", best_by=("accuracy", "higher"))
    write_run(folder / "f", 0.01, 3.0, 0.6, task="image-classification", best_by=("accuracy", "higher"))
    images, table = leaderboards(find_runs(folder))
    assert (images.task, images.by, [run.name for run in images.runs]) == (
        "image-classification",
        "validation accuracy",
        ["f", "e"],
    )
    assert len(table.runs) == 4


def test_the_tables_are_written_for_programs_and_for_people(folder: Path, tmp_path: Path) -> None:
    boards = leaderboards(find_runs(folder))
    write_leaderboards(boards, tmp_path / "out")
    with (tmp_path / "out" / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["deep/b", "d", "a", "c"]
    assert rows[0]["validation loss"] == "0.3"
    assert rows[3]["validation loss"] == ""
    text = (tmp_path / "out" / "runs.md").read_text()
    assert text == markdown(boards[0])
    assert text.splitlines()[0] == "## table, by validation loss"
    assert text.splitlines()[4] == "| deep/b | 0.3 | 0.7 | 0.6 | 0.02 | stopped | 1,200 | 7.5 | 4,321 |"


def test_a_single_run_is_listed_by_its_own_name(folder: Path) -> None:
    (run,) = find_runs(folder / "c")
    assert run.name == "c"
    (board,) = leaderboards([run])
    assert board.by is None


def test_folders_without_runs_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`folder` must hold training runs, which `perceivers train` writes"):
        find_runs(tmp_path)
    with pytest.raises(DataError, match="`folder` must be a folder that holds training runs"):
        find_runs(tmp_path / "absent")


def test_the_command_prints_the_board_and_says_where_it_is(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main(["runs", str(folder), "--by", "test accuracy", "--output", str(tmp_path / "out")])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "table, by test accuracy" in printed
    assert printed.index("│ a ") < printed.index("│ deep/b")
    assert "runs.md" in printed


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (0.5, "0.5"),
        (0.00002, "2e-05"),
        (1234567, "1,234,567"),
        (None, ""),
        (True, "True"),
        (0.0, "0"),
        (10.0, "10"),
    ],
)
def test_cells_are_short(cell: Any, expected: str) -> None:
    assert said(cell) == expected
