"""Processes load samples where that costs something, and nowhere else; one that dies is told."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import get_worker_info

from line_task import LineTask, run
from perceivers.arguments import TrainingArguments
from perceivers.data.rows import StreamSamples
from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.training import workers
from perceivers.training.workers import chosen_workers, while_workers_live


class Samples:
    """Seven samples; loading one moves a clock on."""

    def __init__(self, first: float, later: float) -> None:
        self.first, self.later, self.now, self.seen = first, later, 0.0, set[int]()

    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> int:
        self.now += self.later if index in self.seen else self.first
        self.seen.add(index)
        return index

    def clock(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def five_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "num_cores", lambda: 5)


@pytest.mark.parametrize(("later", "expected"), [(0.0001, 0), (0.003, 4)])
def test_costly_samples_get_all_cores_but_one(later: float, expected: int) -> None:
    samples = Samples(0.3, later)
    assert chosen_workers("auto", samples, clock=samples.clock) == expected


def test_the_random_change_counts() -> None:
    samples = Samples(0.0, 0.0)

    def vary(sample: Any, generator: Any) -> Any:
        samples.now += 0.01
        return sample

    assert chosen_workers("auto", samples, vary, clock=samples.clock) == 4
    assert chosen_workers("auto", samples, clock=samples.clock) == 0


def test_a_number_is_taken() -> None:
    assert chosen_workers(3, Samples(0.0, 0.0)) == 3
    assert chosen_workers(0, Samples(1.0, 1.0)) == 0


def test_streams_empty_parts_single_cores_and_systems_without_fork_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costly = Samples(1.0, 1.0)
    assert chosen_workers("auto", StreamSamples(None, None)) == 0  # type: ignore[arg-type]
    assert chosen_workers("auto", ()) == 0
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "spawn")
    assert chosen_workers("auto", costly, clock=costly.clock) == 0
    monkeypatch.undo()
    monkeypatch.setattr(workers, "num_cores", lambda: 1)
    assert chosen_workers("auto", costly, clock=costly.clock) == 0


@pytest.mark.parametrize("value", [-1, "many", 1.5])
def test_other_values_are_named(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="`workers` must be auto, or at least 0, received"):
        TrainingArguments(workers=value)


class Deadly(LineTask):
    """Its processes are ended, as by the system, in the second pass."""

    in_second_pass = False

    def vary(self, sample: Any, generator: Any) -> Any:
        if get_worker_info() is not None and self.in_second_pass:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().vary(sample, generator)

    def begin_pass(self, epoch: int, epochs: int) -> None:
        self.in_second_pass = epoch == 1


def test_a_worker_process_that_dies_is_told_and_the_run_goes_on_with_the_same_weights(tmp_path: Path) -> None:
    said = r"a process that loads samples has ended, .*; --workers 0 loads .*, and --resume goes on"
    with pytest.raises(PerceiversError, match=said):
        run(tmp_path / "run", Deadly(), epochs=3, workers=1)
    _, resumed = run(tmp_path / "run", Deadly(), epochs=3, workers=0, resume=True)
    _, whole = run(tmp_path / "whole", epochs=3)
    assert torch.equal(resumed, whole)


def test_other_errors_of_batches_stay_what_they_are() -> None:
    def batches() -> Any:
        yield 1
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        list(while_workers_live(batches(), "cure"))
