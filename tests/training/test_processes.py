"""One run on several processes: the same command under a launcher, the same losses as one process has."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import torch

import line_task
from forked import exit_codes, finished, ranks
from line_task import TEST, run
from perceivers.training import compilation

# 30 samples in batches of 4: on two processes the last round has one batch of 4 and one of 2, and no sample for some.
TRAINING: dict[str, Any] = {"epochs": 2, "batch_size": 3, "checkpoint_every": 2}


def launched(words: list[str]) -> None:
    """What `torchrun --standalone --nproc_per_node 2` does, with copies of this process in place of fresh ones."""
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    settings = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=2,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        start_method="fork",
        monitor_interval=0.05,
    )
    elastic_launch(settings, line_task.main)(words)


def launch(folder: Path, training: dict[str, Any]) -> dict[str, Any]:
    """Train on two processes under the launcher; give the results."""
    done = finished(
        launched,
        [str(folder), "--training", json.dumps(training)],
        environment={"OMP_NUM_THREADS": "1"},
        own_session=True,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def train_on_two(folder: Path, training: dict[str, Any], **environment: str) -> dict[str, Any]:
    """As `launch`, without the launcher."""
    words = [str(folder), "--training", json.dumps(training)]
    told = [{**each, **environment} for each in ranks(2)]
    assert exit_codes(line_task.main, [words], told) == [0, 0]
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    # A step of two processes reads what one process reads in two accumulated batches.
    two = launch(tmp_path / "two", TRAINING)
    one, weights = run(tmp_path / "one", **TRAINING, gradient_accumulation_steps=2)
    assert (two["processes"], one["processes"]) == (2, 1)
    history, expected = (
        json.loads((tmp_path / name / "history.json").read_text()) for name in ("two", "one")
    )
    for row, other in zip(history, expected, strict=True):
        assert row == pytest.approx(other, rel=1e-5)
    assert two["test"] == pytest.approx(one["test"], rel=1e-5)
    torch.testing.assert_close(torch.load(tmp_path / "two" / "weights.pt")["weight"][0], weights)


def test_sharded_weights_train_and_are_saved_whole(tmp_path: Path) -> None:
    sharded = {
        "ACCELERATE_USE_FSDP": "true",
        "FSDP_VERSION": "2",
        "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
        "FSDP_RESHARD_AFTER_FORWARD": "true",
        "ACCELERATE_USE_CPU": "true",
    }
    results = train_on_two(tmp_path / "sharded", TRAINING, **sharded)
    one, weights = run(tmp_path / "one", **TRAINING, gradient_accumulation_steps=2)
    assert results["test"] == pytest.approx(one["test"], rel=1e-4)
    saved = torch.load(tmp_path / "sharded" / "weights.pt")["weight"]
    assert type(saved) is torch.Tensor
    torch.testing.assert_close(saved[0], weights, rtol=1e-4, atol=1e-5)


def test_every_test_sample_counts_once_on_two_processes(tmp_path: Path) -> None:
    # Batches of 4 share out 11 samples as 4 + 4 and 3 + 1 that is not there.
    two = train_on_two(tmp_path / "two", {"epochs": 1, "batch_size": 4})
    one, _ = run(tmp_path / "one", epochs=1, batch_size=4, gradient_accumulation_steps=2)
    assert TEST == 11
    assert two["test"]["loss"] == pytest.approx(one["test"]["loss"], rel=1e-2)


@pytest.mark.slow
def test_two_processes_compile_for_the_same_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten batches of three samples: each process has one of every pair. The stand-in runs what torch traced as it is.
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    monkeypatch.setattr("perceivers.training.run.require_compiler", lambda device: None)
    compiled = train_on_two(tmp_path / "compiled", {**TRAINING, "compile": True})
    plain = train_on_two(tmp_path / "plain", TRAINING)
    assert compiled["test"] == plain["test"]
    kept = [torch.load(tmp_path / name / "weights.pt") for name in ("compiled", "plain")]
    assert list(kept[0]) == list(kept[1])
    assert torch.equal(kept[0]["weight"], kept[1]["weight"])
