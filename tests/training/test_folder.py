"""The folder of a run: what an overwriting run may destroy, what killed processes leave, and drawings that fail."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import line_task
from forked import finished
from full_disk import full_disk
from line_task import KilledTask, LineTask
from perceivers.errors import ConfigurationError, DataError, PerceiversError, RunInterrupted
from perceivers.training import folder as folders

FINISHED = [
    "arguments.yaml", "history.json", "history.jsonl", "learning_curve.png", "processor.json", "results.json", "weights.pt",
]  # fmt: skip
# What is drawn is of the folder, too.
run = partial(line_task.run, pictures=True)


@pytest.fixture(scope="module", autouse=True)
def plain_curve() -> Iterator[None]:
    """A learning curve that is written at once: how it looks is tested where it is drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            folders, "draw_learning_curve", lambda history, headline, path: path.write_bytes(b"curve")
        )
        yield


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class NoData(LineTask):
    def load_data(self, *given: Any) -> Any:
        raise DataError("`data` 'digits' does not exist")


class Drawing(LineTask):
    """A task whose pictures of the test are drawn by a function."""

    def draw(self, folder: Path) -> None:
        (folder / "picture.png").write_bytes(b"a picture")

    def metrics(self, parts: Any) -> Any:
        from torchmetrics import CatMetric, MeanMetric, MetricCollection

        return MetricCollection({"loss": MeanMetric(), "each": CatMetric()})

    def show_evaluation(self, parts: Any, values: Any, folder: Path) -> list[Path]:
        self.draw(folder)
        return []


def test_a_slip_beside_overwrite_leaves_the_old_run_as_it_was(tmp_path: Path) -> None:
    run(tmp_path / "run")
    before = contents(tmp_path / "run")
    with pytest.raises(DataError, match="does not exist"):
        run(tmp_path / "run", NoData(), overwrite=True)
    assert contents(tmp_path / "run") == before


def test_the_old_run_stays_until_the_new_one_is_complete_and_resume_goes_on_with_the_new(
    tmp_path: Path,
) -> None:
    run(tmp_path / "run")
    before = contents(tmp_path / "run")
    task = KilledTask()
    task.killed_at, task.killed_by = 4, "SIGINT"
    with pytest.raises(RunInterrupted, match=r"saved in .*run/\.new: it can be measured"):
        run(tmp_path / "run", task, seed=5, overwrite=True)
    after = contents(tmp_path / "run")
    assert {name: after[name] for name in before} == before
    assert "weights.pt" in names(tmp_path / "run" / ".new")
    with pytest.raises(ConfigurationError, match="seed 5 is now 6"):
        run(tmp_path / "run", seed=6, resume=True)
    _, resumed = run(tmp_path / "run", seed=5, resume=True)
    _, whole = run(tmp_path / "whole", seed=5)
    assert torch.equal(resumed, whole)
    assert names(tmp_path / "run") == FINISHED


def test_overwriting_anew_forgets_the_run_that_was_to_overwrite(tmp_path: Path) -> None:
    run(tmp_path / "run")
    task = KilledTask()
    task.killed_at, task.killed_by = 4, "SIGINT"
    with pytest.raises(RunInterrupted):
        run(tmp_path / "run", task, seed=5, overwrite=True)
    _, overwritten = run(tmp_path / "run", seed=7, overwrite=True)
    _, whole = run(tmp_path / "whole", seed=7)
    assert torch.equal(overwritten, whole)
    assert names(tmp_path / "run") == FINISHED


def test_what_the_old_run_wrote_goes_and_what_the_user_put_there_stays(tmp_path: Path) -> None:
    run(tmp_path / "run", Drawing())
    (tmp_path / "run" / "evaluation.json").write_text("{}")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert sorted(json.loads((tmp_path / "run" / "results.json").read_text())["files"]) == [
        "history.json", "learning_curve.png", "picture.png", "processor.json", "weights.pt",
    ]  # fmt: skip
    run(tmp_path / "run", overwrite=True)
    assert names(tmp_path / "run") == sorted([*FINISHED, "notes.txt"])


@pytest.mark.parametrize("moved", range(5))
def test_a_process_killed_while_the_new_run_takes_the_place_of_the_old_is_made_good(
    moved: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = run(tmp_path / "whole", seed=5)
    run(tmp_path / "run")
    count, replace = [0], os.replace

    def cut(source: Any, target: Any) -> None:
        if Path(source).parent.name == ".new" and Path(target).parent.name == "run":
            count[0] += 1
            if count[0] > moved:
                raise InterruptedError("killed")
        replace(source, target)

    monkeypatch.setattr(folders.os, "replace", cut)
    with pytest.raises(PerceiversError, match=r"could not be written: killed; the new run is whole in \.new"):
        run(tmp_path / "run", seed=5, overwrite=True)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "results.json").exists(), "no mixture passes for a finished run"
    results, weights = run(tmp_path / "run", seed=5, resume=True)
    assert torch.equal(weights, expected)
    assert results["finished"]
    assert set(names(tmp_path / "run")) >= set(FINISHED) - {"learning_curve.png"}
    assert not (tmp_path / "run" / ".new").exists()


def test_what_killed_processes_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "run" / ".partial-abc").mkdir(parents=True)
    (tmp_path / "run" / ".partial-abc" / "weights.pt").write_text("half")
    (tmp_path / "run" / ".saving-abc").mkdir()
    (tmp_path / "run" / ".results.json.partial").write_text("{")
    (tmp_path / "run" / "checkpoints" / ".partial-step-00000003").mkdir(parents=True)
    (tmp_path / "run" / ".new").mkdir()
    run(tmp_path / "run")
    assert names(tmp_path / "run") == FINISHED


@pytest.mark.parametrize("error", [ValueError("$ $$ is no formula [bold]"), MemoryError()])
def test_a_drawing_that_fails_is_a_warning_and_loses_nothing(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Torn(Drawing):
        def draw(self, folder: Path) -> None:
            assert (folder.parent / "results.json").is_file(), "all else is saved before"
            assert not (folder.parent / "checkpoints").exists()
            (folder / "half.png").write_bytes(b"half")
            raise error

    results, _ = run(tmp_path / "run", Torn())
    assert names(tmp_path / "run") == FINISHED
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == results
    said = str(error) or type(error).__name__
    assert capsys.readouterr().err == (
        f"warning: the pictures of the test could not be drawn: {said}; all else is saved\n"
    )


def test_a_process_killed_while_it_draws_has_ended_its_run(tmp_path: Path) -> None:
    def train() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(folders, "draw_learning_curve", lambda *given: os.kill(os.getpid(), signal.SIGKILL))
            run(tmp_path / "run")

    killed = finished(train)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert any(name.startswith(".partial-") for name in names(tmp_path / "run"))
    results, _ = run(tmp_path / "run", resume=True)
    assert results["finished"]
    assert not any(name.startswith(".") for name in names(tmp_path / "run"))


def test_a_disk_that_is_full_at_the_start_is_said(tmp_path: Path) -> None:
    with (
        full_disk(),
        pytest.raises(PerceiversError, match=r"`output` .* cannot be written to: File too large"),
    ):
        run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_disk_that_is_full_at_the_end_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perceivers.training import run as runs

    save = runs.save_run

    def save_on_a_full_disk(*given: Any) -> None:
        with full_disk():
            save(*given)

    monkeypatch.setattr(runs, "save_run", save_on_a_full_disk)
    with pytest.raises(
        PerceiversError,
        match=r"could not be written: .*; the checkpoints are whole; make room, then --resume",
    ):
        run(tmp_path / "run")
    monkeypatch.undo()
    assert names(tmp_path / "run") == ["arguments.yaml", "checkpoints", "history.jsonl"]
    _, resumed = run(tmp_path / "run", resume=True)
    _, whole = run(tmp_path / "whole")
    assert torch.equal(resumed, whole)


def test_a_damaged_record_of_a_run_to_resume_is_named(tmp_path: Path) -> None:
    run(tmp_path / "run")
    (tmp_path / "run" / "arguments.yaml").write_text("task: [")
    with pytest.raises(DataError, match=r"arguments\.yaml' cannot be read as YAML"):
        run(tmp_path / "run", resume=True)


def test_more_steps_than_a_finished_run_had_are_a_run_of_their_own(tmp_path: Path) -> None:
    run(tmp_path / "run", epochs=None, steps=3)
    with pytest.raises(ConfigurationError) as error:
        run(tmp_path / "run", epochs=None, steps=6, resume=True)
    assert "steps 3 is now 6. That run has ended; to train its model further, begin a new run" in str(
        error.value
    )
    assert f"--start {tmp_path / 'run'} --output ANOTHER, without --resume" in str(error.value)
