"""Progress, curve, tables and records."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from perceivers.errors import MissingExtraError
from perceivers.records import write_json
from perceivers.training.reporting import (
    Told,
    TrainingProgress,
    beside_tables,
    comparison_table,
    draw_learning_curve,
    installed_versions,
    is_main_process,
    results_table,
)


def rows(count: int) -> list[dict[str, float]]:
    return [
        {
            "step": 10.0 * epoch,
            "epoch": float(epoch),
            "learning_rate": 0.1,
            "train_loss": 2.0 / epoch,
            "validation_loss": 3.0 / epoch,
            "validation_accuracy": 1.0 - 0.5 / epoch,
        }
        for epoch in range(1, count + 1)
    ]


def test_without_a_terminal_ten_lines_tell_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(200, 0, "accuracy", visible=True) as progress:
        for row in rows(20):
            progress.step_done(int(row["step"]), int(row["epoch"]), 1.0)
            progress.row_done(row)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == [f"{step}/200" for step in (10, *range(20, 201, 20))]
    assert lines[1] == (
        "step 20/200  epoch 2  train loss 1.0000  validation loss 1.5000  validation accuracy 0.7500"
    )


def test_the_last_look_is_always_told(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(230, 0, "accuracy", visible=True) as progress:
        for row in rows(23):
            progress.row_done(row)
    assert capsys.readouterr().out.splitlines()[-1].startswith("step 230/230")


def test_one_of_several_trainings_says_which_it_is_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told("division 2 of 5, step", lines=1)
    with TrainingProgress(300, 0, "accuracy", visible=True, told=told) as progress:
        for row in rows(30):
            progress.row_done(row)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "division 2 of 5, step 10/300",
        "division 2 of 5, step 300/300",
    ]


def test_a_long_training_is_never_silent_for_more_than_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1_000, 2_000, 23))
    monkeypatch.setattr("perceivers.training.reporting.time.monotonic", lambda: next(clock))
    with TrainingProgress(500, 0, "accuracy", visible=True, told=Told(lines=1)) as progress:
        for row in rows(12):
            progress.row_done(row)
    lines = capsys.readouterr().out.splitlines()
    # Every third look: 69 seconds after the last line.
    assert [line.split()[1] for line in lines] == ["10/500", "40/500", "70/500", "100/500"]


def test_a_run_without_a_step_has_a_line_and_a_curve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"step": 0.0, "epoch": 0.0, "validation_loss": 1.0, "validation_accuracy": 0.5}
    with TrainingProgress(0, 0, "accuracy", visible=True) as progress:
        progress.row_done(row)
    assert "step 0/0  epoch 0  validation loss 1.0000" in capsys.readouterr().out
    draw_learning_curve([row], "accuracy", tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size[0] > 0


def test_other_processes_stay_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(10, 0, "accuracy", visible=False) as progress:
        progress.step_done(1, 0, 1.0)
        progress.row_done(rows(1)[0])
    assert capsys.readouterr().out == ""


def test_a_terminal_shows_epoch_loss_metric_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "perceivers.training.reporting.Console", lambda: Console(force_terminal=True, width=120)
    )
    with TrainingProgress(17, 3, "accuracy", visible=True) as progress:
        for step in range(4, 12):
            progress.step_done(step, 0, 0.25)
        progress.row_done(rows(1)[0])
    shown = Console(width=200, no_color=True)
    with shown.capture() as capture:
        shown.print(capsys.readouterr().out, markup=False, soft_wrap=True)
    for word in ("11/17", "epoch 1", "loss 0.2500", "validation accuracy 0.5000", "left"):
        assert word in capture.get()


@pytest.mark.parametrize(("rank", "expected"), [(None, True), ("0", True), ("1", False), ("10", False)])
def test_only_the_first_of_several_processes_talks(
    rank: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_main_process() is expected


def test_versions_name_python_and_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perceivers.training.reporting.REPORTED_PACKAGES", ("numpy", "no-such-package"))
    assert installed_versions() == {
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "no-such-package": "not installed",
    }


def test_a_record_replaces_the_old_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    write_json(tmp_path / "x.json", {"é": 2})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"é": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_record_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}


def test_results_are_a_table_of_names_and_values() -> None:
    console = Console(width=60)
    with console.capture() as capture:
        console.print(results_table("digits", {"test_accuracy": 0.98765, "samples": "7"}))
    shown = capture.get()
    assert "digits" in shown
    assert "test accuracy" in shown
    assert "0.9877" in shown


@pytest.mark.parametrize("watched", [True, False])
def test_the_learning_curve_is_a_picture_with_one_or_two_panels(tmp_path: Path, watched: bool) -> None:
    history = rows(13) if watched else [{"step": r["step"], "train_loss": r["train_loss"]} for r in rows(13)]
    draw_learning_curve(history, "accuracy", tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size == (1200, 480)
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    # Matplotlib's third colour is only used by the panel of the metric.
    green = (pixels[..., 1] - pixels[..., 0] > 60) & (pixels[..., 1] - pixels[..., 2] > 60)
    assert green.any() == watched


@pytest.mark.parametrize("column", ["$ $$ $$$", "[bold]", "[/]", r"a\\"])
def test_names_of_columns_are_drawn_and_printed_as_they_are(
    column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{column}/accuracy"
    history = [{**row, f"validation_{name}": row["validation_accuracy"]} for row in rows(3)]
    draw_learning_curve(history, name, tmp_path / "curve.png")
    for is_terminal in (False, True):
        monkeypatch.setattr(
            "perceivers.training.reporting.Console",
            lambda is_terminal=is_terminal: Console(force_terminal=is_terminal, width=200, no_color=True),
        )
        with TrainingProgress(30, 0, name, visible=True) as progress:
            progress.row_done(history[-1])
            progress.say(f"{column} of 30")
        shown = capsys.readouterr().out
        assert f"{column}/accuracy 0.8333" in shown
        assert f"{column} of 30" in shown


def test_missing_matplotlib_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'`matplotlib`.*pip install "perceivers\[train\]"'):
        draw_learning_curve(rows(2), "accuracy", tmp_path / "curve.png")


def test_measures_are_compared_row_by_row_and_nothing_is_taken_for_markup() -> None:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(
            comparison_table(
                "table",
                {
                    "this model": {"[red]price_a[/red]/mean_error": 0.5, "loss": 1.0},
                    "trees": {"[red]price_a[/red]/mean_error": 0.25},
                },
            )
        )
        console.print(results_table("table", {"[bold]x": "[red]y[/red]"}))
    rows = [
        [cell.strip() for cell in line.split("\u2502")[1:-1]]
        for line in capture.get().splitlines()
        if line.startswith("\u2502")
    ]
    assert rows == [
        ["[red]price_a[/red]/mean error", "0.5000", "0.2500"],
        ["loss", "1.0000", ""],
        ["[bold]x", "[red]y[/red]"],
    ]


def line_of(beside: dict[str, object]) -> tuple[str, list[str]]:
    """The line below the table, and the table's headings."""
    table, line = beside_tables("task", beside, {"epe": 0.5}, "test")
    return line, [str(column.header) for column in table.columns]


def test_a_task_names_its_trivial_answer_and_others_have_the_majority() -> None:
    line, headings = line_of({"method": "trees", "trees": {}, "majority": {}, "training_samples": 1_024})
    assert headings == ["measure", "this model", "trees", "majority"]
    assert line == "trees and majority: fitted to 1,024 training samples"
    line, headings = line_of({"method": "majority", "majority": {}, "training_samples": 1, "samples": 1})
    assert headings == ["measure", "this model", "majority"]
    assert line == "majority: fitted to 1 training sample, measured on 1 sample"
    flow = {"method": "TV-L1", "trivial": "no motion", "TV-L1": {"epe": 0.3, "other": 0.1}, "no motion": {}}
    line, headings = line_of({**flow, "samples": 7, "asked_samples": 7})
    assert headings == ["measure", "this model", "TV-L1", "no motion"]
    assert line == "TV-L1 and no motion: fitted to nothing, measured on 7 samples"
    line, _ = line_of({**flow, "samples": 7, "asked_samples": 1_103})
    assert line == "TV-L1 and no motion: fitted to nothing, measured on 7 of 1,103 samples, evenly drawn"


def test_measures_that_have_no_value_are_said_to_have_none_and_large_ones_are_short() -> None:
    table = results_table(
        "t", {"r2": float("nan"), "rmse": 5.06e45, "mae": 2e-9, "loss": 0.25, "samples": 10**12}
    )
    said = [str(cell) for cell in table.columns[1].cells]
    assert said == ["cannot be computed", "5.06e+45", "2e-09", "0.2500", "1000000000000"]
