"""Chance that depends on seed, epoch and sample alone."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.arguments import DataArguments
from perceivers.data.draws import (
    NumberedBatch,
    ShuffledOrder,
    VariedSamples,
    VariedStream,
    leave_signals_to_the_run,
    plain_loader,
    seed_of_step,
    training_loader,
)
from perceivers.data.opening import open_table_file
from perceivers.data.rows import StreamSamples
from perceivers.data.tables import StreamTable
from perceivers.errors import DataError


class Letters(list[str]):
    def name(self, index: int) -> str:
        return self[index]


def with_number(sample: str, generator: np.random.Generator) -> tuple[str, int]:
    return sample, int(generator.integers(10**6))


def together(processor: Any, samples: Any) -> dict[str, Any]:
    return {"samples": list(samples), "processor": processor}


class Rows:
    source, root, columns = "letters", None, ("x",)

    def rows(self, epoch: int) -> Iterator[dict[str, str]]:
        yield from ({"x": letter} for letter in "abcdefg")

    def name(self, index: int) -> str:
        return f"row {index}"


def test_every_pass_has_an_order_of_its_own_that_repeats() -> None:
    order = ShuffledOrder(20, seed=3)
    first = list(order)
    order.epoch = 1
    second = list(order)
    order.epoch = 0
    assert list(order) == first
    assert [index for index, _ in first] != [index for index, _ in second]
    assert sorted(first) == [(index, 0) for index in range(20)]
    assert list(ShuffledOrder(20, seed=4)) != first
    assert len(order) == 20


def test_the_change_of_a_sample_depends_on_seed_epoch_and_index() -> None:
    samples = Letters("abc")
    varied = VariedSamples(samples, with_number, seed=3)
    drawn = {key: varied[key] for key in [(0, 0), (1, 0), (0, 1)]}
    assert len({number for _, (_, number) in drawn.values()}) == 3
    assert varied[(0, 1)] == drawn[(0, 1)]
    assert VariedSamples(samples, with_number, seed=4)[(0, 0)] != drawn[(0, 0)]
    assert drawn[(1, 0)][0] == 1
    assert len(varied) == 3


def batches(workers: int) -> list[tuple[list[int], Any]]:
    loader, order = training_loader(
        Letters("abcdefg"), with_number, NumberedBatch(together, 5), batch_size=3, seed=1, workers=workers
    )
    order.epoch = 2
    return [(indices.tolist(), batch) for indices, batch in loader]


def test_workers_change_nothing_about_the_batches() -> None:
    direct = batches(0)
    assert [len(indices) for indices, _ in direct] == [3, 3, 1]
    assert [letter for _, batch in direct for letter, _ in batch["samples"]] == [
        "abcdefg"[index] for indices, _ in direct for index in indices
    ]
    assert direct[0][1]["processor"] == 5
    assert batches(2) == direct


def test_a_stream_is_shared_out_among_workers() -> None:
    samples = StreamSamples(Rows(), lambda row, table: row["x"])  # type: ignore[arg-type]
    collate = NumberedBatch(together, None)
    seen = []
    for workers in (0, 2):
        loader, order = training_loader(samples, with_number, collate, batch_size=2, seed=1, workers=workers)
        assert isinstance(order, VariedStream)
        drawn = [
            entry
            for indices, batch in loader
            for entry in zip(indices.tolist(), batch["samples"], strict=True)
        ]
        seen.append(sorted(drawn))
    assert [number for number, _ in seen[0]] == list(range(7))
    assert seen[0] == seen[1]


def test_unchanged_samples_come_in_their_order() -> None:
    loader = plain_loader(Letters("abc"), NumberedBatch(together, None), batch_size=2)
    assert [(indices.tolist(), batch["samples"]) for indices, batch in loader] == [
        ([0, 1], ["a", "b"]),
        ([2], ["c"]),
    ]


def test_every_step_of_every_process_has_a_seed_of_its_own() -> None:
    seeds = {
        seed_of_step(seed, step, process) for seed in range(3) for step in range(5) for process in range(2)
    }
    assert len(seeds) == 30
    assert seed_of_step(1, 2, 0) == seed_of_step(1, 2, 0)
    assert all(0 <= seed < 2**63 for seed in seeds)


# datasets leaves the closing of the files that it streams to the garbage collector; torch warns of many workers.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:This DataLoader will",
)
@pytest.mark.parametrize(("name", "workers"), [("x.csv", 0), ("x.csv", 3), ("x.jsonl", 2)])
def test_every_row_of_a_streamed_table_comes_once_whatever_the_number_of_workers(
    tmp_path: Path, name: str, workers: int
) -> None:
    lines = ["x", *map(str, range(29))] if name == "x.csv" else [f'{{"x": "{value}"}}' for value in range(29)]
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    options = DataArguments(data="x", streaming=True, test_data="x", shuffle_buffer=7)
    table = open_table_file(tmp_path / name, options)
    assert isinstance(table, StreamTable)
    collate = NumberedBatch(together, None)
    samples = StreamSamples(table, cell_of_x)
    loader, _ = training_loader(samples, with_number, collate, batch_size=4, seed=1, workers=workers)
    read = [int(value) for _, batch in loader for value, _ in batch["samples"]]
    assert sorted(read) == list(range(29))


def cell_of_x(row: Mapping[str, Any], table: Any) -> Any:
    return row["x"]


class NamedRows(Rows):
    left_out: Sequence[str] = ()

    def name(self, index: int) -> str:
        return f"row {index}"


def not_a_vowel(row: Mapping[str, Any], table: Any) -> Any:
    if row["x"] in "ae":
        raise DataError("is a vowel")
    return row["x"]


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_rows_of_a_stream_are_told_whichever_process_has_met_them(workers: int) -> None:
    samples = StreamSamples(NamedRows(), not_a_vowel, skips_unreadable=True)  # type: ignore[arg-type]
    loader, _ = training_loader(
        samples, with_number, NumberedBatch(together, None), batch_size=2, seed=1, workers=workers
    )
    read = [value for _, batch in loader for value, _ in batch["samples"]]
    assert sorted(read) == list("bcdfg")
    assert sorted(samples.unreadable) == ["`row 0`: is a vowel", "`row 4`: is a vowel"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who sent a signal is told on Linux alone")
def test_a_worker_that_is_stuck_ends_for_the_run_and_for_nobody_else(tmp_path: Path) -> None:
    def stuck(ready: Any) -> None:
        leave_signals_to_the_run(0)
        ready.set()
        # A pipe that nobody writes to.
        (tmp_path / "pipe").open()

    os.mkfifo(tmp_path / "pipe")
    forking = multiprocessing.get_context("fork")
    ready = forking.Event()
    worker = forking.Process(target=stuck, args=(ready,))
    worker.start()
    assert ready.wait(60)
    subprocess.run(["kill", "-TERM", str(worker.pid)], check=True)
    worker.join(0.5)
    assert worker.is_alive()
    worker.terminate()
    worker.join(60)
    assert worker.exitcode == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_that_nothing_changes_are_given_as_they_are(workers: int) -> None:
    loader, order = training_loader(
        Letters("abcdefg"), None, NumberedBatch(together, 5), batch_size=7, seed=1, workers=workers
    )
    order.epoch = 2
    ((indices, batch),) = loader
    assert batch["samples"] == ["abcdefg"[index] for index in indices.tolist()]
    assert indices.tolist() == [index for indices, _ in batches(0) for index in indices]


def test_rows_of_a_stream_that_nothing_changes_are_given_as_they_are() -> None:
    samples = StreamSamples(Rows(), lambda row, table: row["x"])  # type: ignore[arg-type]
    assert [sample for _, sample in VariedStream(samples, None, seed=1)] == list("abcdefg")
