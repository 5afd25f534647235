"""The history of a run grows in its folder while it goes on, and is told to trackers, to which no run is lost."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import perceivers.training.trackers as trackers
from line_task import LineTask
from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.errors import ConfigurationError, MissingExtraError
from perceivers.records import read_json
from perceivers.training.history import HistoryFiles
from perceivers.training.log import plain_settings
from perceivers.training.run import train

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")


def run(folder: Path, *track: str, task: LineTask | None = None, **flags: Any) -> dict[str, Any]:
    arguments = RunArguments(
        output=str(folder),
        data=DataArguments(data="line"),
        training=TrainingArguments(epochs=2, batch_size=10, device="cpu", keep_best=False),
        optimization=OptimizationArguments(learning_rate=0.1, warmup_steps=0),
        track=track,
        quiet=True,
        pictures=False,
        **flags,
    )
    return train(task or LineTask(), arguments)


def lines_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


class Looking(LineTask):
    """Notes how many rows the history holds at each forward pass of training."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.seen = folder, []

    def augment(self, batch: Any) -> Any:
        self.seen.append(len(lines_of(self.folder)))
        return super().augment(batch)


def test_the_history_grows_while_the_run_goes_on(tmp_path: Path) -> None:
    task = Looking(tmp_path / "run")
    run(tmp_path / "run", task=task)
    assert task.seen == [0, 0, 0, 1, 1, 1]
    assert lines_of(tmp_path / "run") == read_json(tmp_path / "run" / "history.json")


def test_a_csv_holds_the_same_rows(tmp_path: Path) -> None:
    run(tmp_path / "run", "csv")
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert rows == lines_of(tmp_path / "run")
    assert list(rows[0]) == ["step", "epoch", "train_loss", "learning_rate", "validation_loss"]


def test_a_session_that_goes_on_begins_with_the_rows_of_its_checkpoint(tmp_path: Path) -> None:
    files = HistoryFiles(tmp_path, as_csv=False)
    files.begin([])
    for step in (3.0, 6.0):
        files.add([{"step": step}])
    files.begin([{"step": 3.0}])
    files.add([{"step": 3.0}, {"step": 5.0}])
    assert lines_of(tmp_path) == [{"step": 3.0}, {"step": 5.0}]


def test_tensorboard_reads_the_scalars_of_a_run(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    results = run(tmp_path / "run", "tensorboard")
    found = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    found.Reload()
    history = lines_of(tmp_path / "run")
    scalars = found.Scalars("validation_loss")
    assert [event.step for event in scalars] == [3, 6]
    assert [event.value for event in scalars] == pytest.approx([row["validation_loss"] for row in history])
    (test,) = found.Scalars("test_loss")
    assert test.value == pytest.approx(results["test"]["loss"])


def test_a_run_that_replaces_another_leaves_nothing_of_its_trackers(tmp_path: Path) -> None:
    run(tmp_path / "run", "csv", "tensorboard")
    run(tmp_path / "run", overwrite=True)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert "history.jsonl" in names
    assert not names & {"history.csv", "tensorboard"}


@pytest.mark.parametrize(
    ("name", "cure"), [("tensorboard", '"perceivers[track]"'), ("wandb", "wandb"), ("mlflow", "mlflow")]
)
def test_an_absent_tracker_is_one_line_before_anything_is_read(
    name: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda package: None)
    with pytest.raises(MissingExtraError) as caught:
        run(tmp_path / "run", "csv", name)
    assert str(caught.value) == (
        f"`--track {name}` needs the package `{name}`, which is not installed: pip install {cure}"
    )
    assert not (tmp_path / "run").exists()


def test_an_unknown_tracker_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"`track` must be one of tensorboard, .*, received 'paper'"):
        run(tmp_path / "run", "paper")


def test_wandb_and_mlflow_hear_of_settings_rows_and_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, Any]] = []

    def note(name: str) -> Any:
        return lambda *given, **named: heard.append((name, given or named))

    wandb: Any = ModuleType("wandb")
    wandb.init = lambda **named: (
        heard.append(("wandb.init", named))
        or SimpleNamespace(
            log=lambda values, step: heard.append(("wandb.log", (step, values))), finish=note("wandb.finish")
        )
    )
    wandb.config = SimpleNamespace(update=lambda values, **named: heard.append(("wandb.config", values)))
    mlflow: Any = ModuleType("mlflow")
    mlflow.search_experiments = lambda filter_string: []
    mlflow.create_experiment = lambda **named: "7"
    mlflow.start_run = lambda **named: heard.append(("mlflow.start_run", named))
    mlflow.log_params = lambda values: heard.append(("mlflow.log_params", values))
    mlflow.log_metrics = lambda values, step: heard.append(("mlflow.log_metrics", (step, values)))
    mlflow.end_run = note("mlflow.end_run")
    mlflow.utils = SimpleNamespace(
        validation=SimpleNamespace(MAX_PARAM_VAL_LENGTH=500, MAX_PARAMS_TAGS_PER_BATCH=100)
    )
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setattr(trackers, "find_spec", lambda package: object())
    results = run(tmp_path / "run", "wandb", "mlflow")
    assert [name for name, _ in heard if name.startswith("wandb")] == [
        "wandb.init", "wandb.config", "wandb.log", "wandb.log", "wandb.log", "wandb.finish"
    ]  # fmt: skip
    named = dict(heard)
    assert named["wandb.init"]["name"] == "run"
    assert named["wandb.init"]["project"] == "perceivers"
    assert named["wandb.config"]["training.epochs"] == 2
    history = lines_of(tmp_path / "run")
    logged = [values for name, values in heard if name == "wandb.log"]
    assert [step for step, _ in logged] == [3, 6, 6]
    assert logged[0][1] == {name: value for name, value in history[0].items() if name != "step"}
    assert logged[2][1] == {"test_loss": results["test"]["loss"]}
    assert named["mlflow.start_run"]["run_name"] == "run"
    assert [values for name, values in heard if name == "mlflow.log_metrics"] == logged
    assert "mlflow.end_run" in named


def test_a_tracker_that_fails_is_a_warning_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wandb: Any = ModuleType("wandb")

    def init(**named: Any) -> Any:
        raise OSError("no network")

    wandb.init = init
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setattr(trackers, "find_spec", lambda package: object())
    results = run(tmp_path / "run", "wandb")
    assert results["finished"]
    assert capsys.readouterr().err == "warning: wandb tracks no more: no network; the run goes on\n"


def test_settings_are_told_as_numbers_texts_and_truth_values() -> None:
    settings = {
        "task": "table",
        "model": {"target": ["a", "b"], "size": None, "hidden": 0.5, "mix": {"a": 1}},
    }
    assert plain_settings(settings) == {
        "task": "table",
        "model.target": "a b",
        "model.size": "none",
        "model.hidden": 0.5,
        "model.mix": "{'a': 1}",
    }
