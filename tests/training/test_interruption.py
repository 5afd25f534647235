"""Ctrl-C and SIGTERM: the run is saved, says so, and goes on as if nothing had happened; a second one stops at once."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import line_task
from forked import finished
from line_task import KilledTask, LineArguments, LineTask, run
from perceivers.errors import PerceiversError, RunInterrupted
from perceivers.training import interruption
from perceivers.training.interruption import Interruption

TASK = {"noise": 0.3, "dropout": 0.4}
TRAINING: dict[str, Any] = {"epochs": 3, "batch_size": 4, "ema_decay": 0.5, "keep_best": True}


def stopped(folder: Path, number: signal.Signals, **training: Any) -> RunInterrupted:
    """Train with a signal in the twelfth batch, of eight a pass, and stop there."""
    task = KilledTask(LineArguments(**TASK))
    task.killed_at, task.killed_by = 12, number.name
    with pytest.raises(RunInterrupted) as error:
        run(folder, task, **{**TRAINING, **training})
    return error.value


def test_a_process_that_gets_ctrl_c_saves_its_run_and_a_resumed_one_ends_with_the_same_weights(
    tmp_path: Path,
) -> None:
    words = [str(tmp_path / "run"), "--killed-at", "12", "--killed-by", "SIGINT"]
    words += ["--task", json.dumps(TASK), "--training", json.dumps(TRAINING)]
    ended = finished(line_task.main, words)
    assert "ending after the step at hand, then saving; Ctrl-C again stops at once" in ended.stderr
    said = (
        f"stopped at step 12 of 24 and saved in {tmp_path / 'run'}: it can be measured and used as it is, and the same "
        "command with --resume goes on with it"
    )
    assert ended.stderr.rstrip().endswith(said)
    assert ended.returncode != 0
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == [
        "arguments.yaml", "checkpoints", "history.json", "history.jsonl", "processor.json", "results.json", "weights.pt",
    ]  # fmt: skip
    _, resumed = run(tmp_path / "run", LineTask(LineArguments(**TASK)), resume=True, **TRAINING)
    _, whole = run(tmp_path / "whole", LineTask(LineArguments(**TASK)), **TRAINING)
    assert torch.equal(resumed, whole)
    histories = [json.loads((tmp_path / name / "history.json").read_text()) for name in ("run", "whole")]
    assert histories[0] == histories[1]
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_stopped_run_holds_the_best_weights_so_far_and_says_that_it_has_not_ended(tmp_path: Path) -> None:
    class Watching(KilledTask):
        looked_at: torch.Tensor

        def step(self, model: Any, batch: Any) -> Any:
            if not model.training:
                self.looked_at = model.weight.detach().clone()
            return super().step(model, batch)

    task = Watching(LineArguments(**TASK))
    task.killed_at, task.killed_by = 12, "SIGTERM"
    with pytest.raises(RunInterrupted) as error:
        run(tmp_path / "run", task, **TRAINING)
    assert error.value.signal == signal.SIGTERM
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert (results["finished"], results["steps"], results["planned_steps"]) == (False, 12, 24)
    assert results["test"] == {}
    # The only look was behind the first pass, four steps ago.
    assert torch.equal(torch.load(tmp_path / "run" / "weights.pt")["weight"], task.looked_at)
    (row,) = json.loads((tmp_path / "run" / "history.json").read_text())
    assert row["step"] == 8
    assert results["validation"] == {"loss": row["validation_loss"]}


def test_without_a_choice_by_validation_the_present_weights_are_saved(tmp_path: Path) -> None:
    rate = {"optimization": {"constant_fraction": 1.0}}
    stopped(tmp_path / "run", signal.SIGINT, keep_best=False, **rate)
    _, twelve = run(
        tmp_path / "twelve",
        LineTask(LineArguments(**TASK)),
        **{**TRAINING, "epochs": None, "steps": 12, "keep_best": False},
        **rate,
    )
    assert torch.equal(torch.load(tmp_path / "run" / "weights.pt")["weight"][0], twelve)


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_worker_processes_overhear_what_is_sent_to_all_processes_of_a_run(name: str, tmp_path: Path) -> None:
    class Heard(LineTask):
        steps = 0

        def step(self, model: Any, batch: Any) -> Any:
            self.steps += model.training
            if self.steps == 3:
                # Another process, to the whole group: as a terminal does with Ctrl-C, `timeout` and schedulers with SIGTERM.
                subprocess.run(["kill", f"-{name}", "--", f"-{os.getpgid(0)}"], check=False)
            return super().step(model, batch)

    def train() -> None:
        run(tmp_path / "run", Heard(), epochs=50, workers=1)

    ended = finished(train, own_session=True)
    assert "stopped at step 3 of 150 and saved in" in ended.stderr
    assert "DataLoader worker" not in ended.stderr


def test_a_signal_in_the_last_step_changes_nothing(tmp_path: Path) -> None:
    task = KilledTask()
    task.killed_at, task.killed_by = 6, "SIGINT"
    results, _ = run(tmp_path / "run", task)
    assert results["finished"]


def test_a_second_ctrl_c_stops_at_once_and_the_handlers_are_given_back(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    former = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruption(tells=True) as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.number == signal.SIGINT
        # A launcher hands the same Ctrl-C on, and ends its processes by SIGTERM afterwards.
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        monkeypatch.setattr(interruption, "SAME", -1.0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == former


def test_other_threads_than_the_first_listen_to_nothing() -> None:
    former = signal.getsignal(signal.SIGINT)
    seen = []

    def enter() -> None:
        with Interruption(tells=False) as asked:
            seen.append((signal.getsignal(signal.SIGINT), asked.number))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [(former, None)]


def test_a_stopped_run_is_no_error_that_programs_go_on_after() -> None:
    error = pickle.loads(pickle.dumps(RunInterrupted("stopped at step 3", signal.SIGTERM)))
    assert (str(error), error.signal) == ("stopped at step 3", signal.SIGTERM)
    assert isinstance(error, KeyboardInterrupt)
    assert not isinstance(error, PerceiversError)
