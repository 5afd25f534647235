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
from perceivers.training.checkpoints import Position, RunCheckpoints

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


def test_what_is_left_open_stays_as_it_was_chosen(undisturbed: Path, tmp_path: Path) -> None:
    killed(tmp_path / "run", "--killed-at", "9")
    chosen = {"epochs": None, "ema_decay": None, "watch_every": None, "keep_best": None}
    run(tmp_path / "run", LineTask(LineArguments(**TASK)), resume=True, **{**TRAINING, **chosen})
    assert_same_run(tmp_path / "run", undisturbed)


def test_a_run_that_cannot_be_resumed_so_says_how_it_goes_on(tmp_path: Path) -> None:
    killed(tmp_path / "run", "--killed-at", "9")
    folder = tmp_path / "run"
    with pytest.raises(ConfigurationError, match="epochs 3 is now 7") as error:
        run(folder, LineTask(LineArguments(**TASK)), resume=True, **{**TRAINING, "epochs": 7})
    message = (
        f"epochs 3 is now 7. It goes on, within another --time-limit if one is given, with --config {folder}/arguments.yaml "
        f"--output {folder} --resume; or begin anew, with --overwrite"
    )
    assert str(error.value).endswith(message)
    # As a run that was stopped is saved.
    (folder / "results.json").write_text('{"finished": false}')
    with pytest.raises(ConfigurationError) as error:
        run(folder, LineTask(LineArguments(**TASK)), resume=True, **{**TRAINING, "epochs": 7})
    assert f"or begin a new run with its weights: --start {folder} --output ANOTHER" in str(error.value)


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


class Rank:
    """Stands for accelerate, and tells what is asked of it, and what the folder holds then."""

    def __init__(self, folder: Path, is_main_process: bool) -> None:
        self.folder, self.is_main_process = folder, is_main_process
        self.events: list[Any] = []
        self.fails = False

    def wait_for_everyone(self) -> None:
        self.events.append(sorted(path.name for path in self.folder.glob("*")))

    def save_state(self, place: str) -> None:
        assert not any(Path(place).glob("*"))
        if self.fails:
            raise OSError("No space left on device")
        Path(place).mkdir(exist_ok=True)
        (Path(place) / "state").touch()
        self.events.append(("save", place))

    def load_state(self, place: str) -> None:
        self.events.append(("load", place))


def rank(tmp_path: Path, is_main_process: bool = True) -> tuple[Rank, RunCheckpoints]:
    accelerator = Rank(tmp_path / "checkpoints", is_main_process)
    return accelerator, RunCheckpoints(tmp_path, accelerator)  # type: ignore[arg-type]


def test_all_ranks_have_written_before_a_checkpoint_has_its_name_and_the_former_one_goes(
    tmp_path: Path,
) -> None:
    accelerator, checkpoints = rank(tmp_path)
    assert not checkpoints.load()
    assert checkpoints.describe_last() == "there is no earlier one"
    checkpoints.save(3)
    # What a killed process has left of the same step is none of it.
    left = accelerator.folder / ".partial-step-00000007"
    left.mkdir()
    (left / "torn").touch()
    accelerator.events.clear()
    checkpoints.save(7)
    partial, complete = ".partial-step-00000007", "step-00000007"
    assert accelerator.events == [
        [partial, "step-00000003"],
        ("save", str(left)),
        [partial, "step-00000003"],
        [complete],
    ]
    assert [path.name for path in (accelerator.folder / complete).iterdir()] == ["state"]
    accelerator.events.clear()
    checkpoints.save(7)
    assert accelerator.events == []
    assert checkpoints.load()
    assert accelerator.events == [("load", str(accelerator.folder / complete))]
    assert checkpoints.describe_last() == f"the last good one is {str(accelerator.folder / complete)!r}"
    checkpoints.remove()
    assert not accelerator.folder.exists()


def test_other_ranks_write_their_part_and_name_and_remove_nothing(tmp_path: Path) -> None:
    _, of_main = rank(tmp_path)
    of_main.save(3)
    other, checkpoints = rank(tmp_path, is_main_process=False)
    checkpoints.save(7)
    partial = ".partial-step-00000007"
    assert other.events == [
        ["step-00000003"],
        ("save", str(other.folder / partial)),
        [partial, "step-00000003"],
        [partial, "step-00000003"],
    ]
    checkpoints.remove()
    assert (other.folder / "step-00000003").is_dir()


@pytest.mark.parametrize("is_main_process", [True, False])
def test_a_checkpoint_that_cannot_be_written_leaves_nothing_of_itself(
    is_main_process: bool, tmp_path: Path
) -> None:
    accelerator, checkpoints = rank(tmp_path, is_main_process)
    accelerator.fails = True
    with pytest.raises(CheckpointError, match=r"No space left on device; there is no earlier one$"):
        checkpoints.save(3)
    assert not any(accelerator.folder.glob("*"))
