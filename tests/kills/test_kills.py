"""Two hundred kills at random moments: whatever stops a process, the same command again ends as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from haiku_files import small_network
from killing import Phases, Rhythm, killed, undisturbed
from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.checkpoints import writing
from perceivers.conversion import convert_haiku, haiku
from perceivers.export import folder as export_folder
from perceivers.export import runs as exports
from perceivers.predictor import Predictor
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from perceivers.training import prediction
from perceivers.training import run as runs
from perceivers.training.checkpoints import RunCheckpoints
from perceivers.training.folder import RunFolder
from perceivers.training.loop import Loop
from perceivers.training.prediction import predict
from perceivers.training.run import train
from tiny_tables import fruit, without, write_table

# 200 in all.
TRAIN, PREDICT, CONVERT, EXPORT = 120, 30, 25, 25

TRAINING: Phases = {
    "reading": [(TableTask, "load_data")],
    "training": [(Loop, "step")],
    "looking": [(Loop, "watch")],
    "checkpoint": [(RunCheckpoints, "save")],
    "saving": [(runs, "save_run")],
    "completing": [(RunFolder, "complete")],
    "drawing": [(runs, "save_pictures")],
}
PREDICTING: Phases = {
    "reading": [(prediction, "load")],
    "answering": [(Predictor, "predictions")],
    "saving": [(prediction, "write_json"), (prediction, "write_csv")],
    "drawing": [(TableTask, "show")],
}
CONVERTING: Phases = {
    "reading": [(haiku, "read_haiku")],
    "converting": [(haiku, "convert_parameters")],
    "saving": [(writing, "_write_weights"), (writing, "_flush")],
    "publishing": [(writing, "_publish")],
}
EXPORTING: Phases = {
    "reading": [(exports, "load_run")],
    "writing": [(exports, "write_model")],
    "proved": [(exports, "write_sample")],
    "publishing": [(export_folder, "_put")],
}


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What killed processes leave among the system's temporary files is the system's to remove; none of it is read again."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("fruit") / "fruit.csv", without(fruit(61), "tags"))


def train_table(table: Path, output: Path, seed: int, *, resume: bool = False) -> None:
    train(
        TableTask(
            TableArguments(
                target=("kind", "price"), num_latents=5, latent_channels=16, num_layers=1, hidden=0.1
            )
        ),
        RunArguments(
            output=str(output),
            data=DataArguments(data=str(table)),
            training=TrainingArguments(
                epochs=2, batch_size=13, device="cpu", seed=seed, checkpoint_every=2, ema_decay=0.5
            ),
            optimization=OptimizationArguments(learning_rate=1e-2, warmup_steps=2),
            overwrite=not resume,
            resume=resume,
        ),
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, table: Path) -> dict[int, Path]:
    """Undisturbed runs by their seed."""
    folders = {seed: tmp_path_factory.mktemp("finished") / "run" for seed in (0, 1)}
    for seed, folder in folders.items():
        train_table(table, folder, seed)
    return folders


def contents(folder: Path) -> dict[str, Any]:
    """What every file holds; of results what does not depend on the clock.

    Pictures are left out: they are drawn when all else is saved, and a run that was killed while it drew has ended without.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        name = str(path.relative_to(folder))
        if path.name == "results.json":
            record = json.loads(path.read_text())
            if isinstance(record, dict):
                record = {key: value for key, value in record.items() if key not in ("seconds", "files")}
            found[name] = record
        elif path.suffix != ".png":
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def seed_of(folder: Path) -> int | None:
    """The seed of the run that a folder holds, or has begun."""
    for place in (folder / ".new", folder):
        if (place / "arguments.yaml").is_file():
            seed: int = yaml.safe_load((place / "arguments.yaml").read_text())["training"]["seed"]
            return seed
    return None


def require_no_mixture(folder: Path, finished: dict[int, Path]) -> None:
    """What passes for a finished run is the old one or the new one, whole."""
    if (folder / "arguments.yaml").is_file() and (folder / "results.json").is_file():
        seed = yaml.safe_load((folder / "arguments.yaml").read_text())["training"]["seed"]
        weights = [(place / "model.safetensors").read_bytes() for place in (folder, finished[seed])]
        assert weights[0] == weights[1], "weights of one run beside the record of another"


@pytest.mark.slow
def test_training(table: Path, finished: dict[int, Path], tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rhythm = undisturbed(lambda: train_table(table, tmp_path / "first", 1), TRAINING)
    expected, kills, ends = contents(finished[1]), Counter[str](), 0
    while sum(kills.values()) < TRAIN:
        folder = tmp_path / "run"
        if ends % 2:
            shutil.copytree(finished[0], folder)

        def go_on(folder: Path = folder) -> None:
            train_table(table, folder, 1, resume=seed_of(folder) == 1)

        for _ in range(int(generator.integers(1, 6))):
            phase = str(generator.choice(list(TRAINING)))
            is_killed = killed(go_on, TRAINING, phase, rhythm, generator)
            kills[phase] += is_killed
            require_no_mixture(folder, finished)
            if not is_killed:
                # It had ended before; nothing is left to kill.
                break
        go_on()
        assert contents(folder) == expected
        shutil.rmtree(folder)
        ends += 1
        tell("train", kills, ends)


def tell(what: str, kills: Counter[str], ends: int) -> None:
    print(f"\n{what}: {sum(kills.values())} kills, {ends} times ended alike: {dict(kills)}", flush=True)  # noqa: T201


def kill_often(
    what: str,
    run: Callable[[], Any],
    phases: Phases,
    count: int,
    output: Path,
    check: Callable[[], None],
) -> None:
    """Kill so often; after one to three kills run to the end, and check."""
    generator = np.random.default_rng(0)
    rhythm: Rhythm = undisturbed(run, phases)
    check()
    kills, ends = Counter[str](), 0
    while sum(kills.values()) < count:
        # Over what an earlier command has left, or afresh.
        if ends % 2 and output.exists():
            shutil.rmtree(output)
        for _ in range(int(generator.integers(1, 4))):
            phase = str(generator.choice(list(phases)))
            kills[phase] += killed(run, phases, phase, rhythm, generator)
        run()
        check()
        ends += 1
        tell(what, kills, ends)


@pytest.mark.slow
def test_predicting(table: Path, finished: dict[int, Path], tmp_path: Path) -> None:
    output = tmp_path / "answers"

    def ask() -> None:
        predict(finished[0], [str(table)], output, device="cpu")

    ask()
    expected = contents(output)

    def check() -> None:
        assert contents(output) == expected

    kill_often("predict", ask, PREDICTING, PREDICT, output, check)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["5GB", 2000])
def test_converting(size: int | str, tmp_path: Path) -> None:
    architecture = "image-classification-conv"
    model, parameters = small_network(architecture)
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(parameters))
    output = tmp_path / "converted"

    def convert() -> None:
        convert_haiku(tmp_path / "released.pystate", output, architecture, model.config, max_shard_size=size)

    convert()
    whole = type(model).from_pretrained(output).state_dict()

    def check() -> None:
        again = type(model).from_pretrained(output, strict=True).state_dict()
        assert all(bool((again[key] == value).all()) for key, value in whole.items())
        assert not [path.name for path in output.iterdir() if path.name.startswith(".")]

    kill_often(f"convert, {size}", convert, CONVERTING, CONVERT // 2 + 1, output, check)


@pytest.mark.slow
def test_exporting(finished: dict[int, Path], tmp_path: Path) -> None:
    output = tmp_path / "exported"

    def export() -> None:
        exports.export(finished[0], output, file_format="torch", overwrite=True)

    export()
    names = sorted(path.name for path in output.iterdir())
    (file,) = output.glob("*.pt2")
    weights = torch.export.load(file).state_dict

    def check() -> None:
        assert sorted(path.name for path in output.iterdir()) == names
        assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
        again = torch.export.load(file).state_dict
        assert all(torch.equal(again[key], value) for key, value in weights.items())

    kill_often("export", export, EXPORTING, EXPORT, output, check)
