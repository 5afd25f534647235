"""Runs that are killed, and go on as if they had not been."""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

import line_task
from forked import exit_codes
from line_task import LineArguments, LineTask, run
from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.training.checkpoints import Position

# Noise, dropout, several passes and steps that end within one: everything that a resumed run could get wrong.
TASK = {"noise": 0.3, "dropout": 0.4}
TRAINING: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 4,
    "checkpoint_every": 3,
    "watch_every": 5,
    "ema_decay": 0.5,
    "keep_best": True,
    "gradient_accumulation_steps": 2,
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    run(folder, LineTask(LineArguments(**TASK)), **TRAINING)
    return folder


def killed(folder: Path, *options: str) -> None:
    """Train in a process that is killed before it ends."""
    words = [str(folder), *options, "--task", json.dumps(TASK), "--training", json.dumps(TRAINING)]
    assert exit_codes(line_task.main, [words]) == [-signal.SIGKILL]


def finish(folder: Path) -> None:
    run(folder, LineTask(LineArguments(**TASK)), resume=True, **TRAINING)


def assert_same_run(folder: Path, other: Path) -> None:
    weights, expected = (torch.load(each / "weights.pt")["weight"] for each in (folder, other))
    assert torch.equal(weights, expected)
    history, other_history = (json.loads((each / "history.json").read_text()) for each in (folder, other))
    assert history == other_history


def test_a_run_killed_between_checkpoints_ends_with_the_same_weights(
    undisturbed: Path, tmp_path: Path
) -> None:
    # Eight batches a pass, two a step: the twelfth batch is in the second pass, after the checkpoint of step 3.
    killed(tmp_path / "run", "--killed-at", "12")
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000003"]
    assert not (tmp_path / "run" / "results.json").exists()
    finish(tmp_path / "run")
    assert_same_run(tmp_path / "run", undisturbed)


def test_a_run_killed_while_a_checkpoint_is_written_ends_with_the_same_weights(
    undisturbed: Path, tmp_path: Path
) -> None:
    killed(tmp_path / "run", "--killed-while-saving", "2")
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == [".partial-step-00000006", "step-00000003"]
    killed(tmp_path / "run", "--resume", "--killed-at", "9")
    finish(tmp_path / "run")
    assert_same_run(tmp_path / "run", undisturbed)


def test_a_run_killed_before_its_first_checkpoint_begins_again(undisturbed: Path, tmp_path: Path) -> None:
    killed(tmp_path / "run", "--killed-at", "2")
    finish(tmp_path / "run")
    assert_same_run(tmp_path / "run", undisturbed)


def test_a_finished_run_is_given_back_as_it_is(undisturbed: Path) -> None:
    before = (undisturbed / "weights.pt").stat().st_mtime_ns
    finish(undisturbed)
    assert (undisturbed / "weights.pt").stat().st_mtime_ns == before


def test_resuming_where_nothing_is_begins_the_run(undisturbed: Path, tmp_path: Path) -> None:
    finish(tmp_path / "run")
    assert_same_run(tmp_path / "run", undisturbed)


def test_resuming_with_other_arguments_names_them(undisturbed: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        run(
            undisturbed,
            LineTask(LineArguments(**{**TASK, "noise": 0.5})),
            resume=True,
            **{**TRAINING, "epochs": 4},
        )
    assert "`resume` needs the arguments of the run in" in str(error.value)
    assert "noise 0.3 is now 0.5; epochs 3 is now 4" in str(error.value)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    killed(tmp_path / "run", "--killed-at", "12")
    checkpoint = tmp_path / "run" / "checkpoints" / "step-00000003"
    (checkpoint / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"the checkpoint .*step-00000003' cannot be read"):
        finish(tmp_path / "run")


def test_a_full_disk_leaves_the_last_good_checkpoint_whole(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No file can be written while the second checkpoint is: the limit stands for a full disk.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    save_state, saved = Accelerator.save_state, []

    def save_on_a_full_disk(self: Any, folder: str) -> None:
        saved.append(folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0 if len(saved) == 2 else soft, hard))
        try:
            save_state(self, folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        monkeypatch.setattr(Accelerator, "save_state", save_on_a_full_disk)
        with pytest.raises(CheckpointError) as error:
            run(tmp_path / "run", LineTask(LineArguments(**TASK)), **TRAINING)
    finally:
        signal.signal(signal.SIGXFSZ, former)
        monkeypatch.undo()
    assert "the checkpoint of step 6 could not be written" in str(error.value)
    assert "the last good one is" in str(error.value)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000003"]
    finish(tmp_path / "run")
    assert_same_run(tmp_path / "run", undisturbed)


def test_a_position_is_written_and_read_whole() -> None:
    position = Position(epoch=2, batches=3, step=5, history=[{"step": 5.0}], seconds=1.5)
    other = Position()
    other.load_state_dict(position.state_dict())
    assert other == position
