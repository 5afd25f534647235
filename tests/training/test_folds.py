"""Runs whose length divisions of the samples choose, before all samples are learned from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from line_task import LineTask
from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.data.frames import IN_MEMORY, table_of
from perceivers.errors import ConfigurationError, RunInterrupted
from perceivers.tasks.table.given import GivenTableTask
from perceivers.tasks.table.options import TableArguments
from perceivers.training import loop as loop_module
from perceivers.training.evaluation import evaluate
from perceivers.training.folds import FOLDER, with_folds
from perceivers.training.interruption import Interruption
from perceivers.training.looks import Looks
from perceivers.training.loop import Loop
from perceivers.training.run import train
from tiny_tables import few_costs

NUM_ROWS = 61
SIZES: dict[str, Any] = {"num_latents": 3, "latent_channels": 8, "token_channels": 8}


def rows() -> dict[str, list[Any]]:
    chance = np.random.default_rng(5)
    size, other = chance.normal(size=(2, NUM_ROWS))
    return {
        "size": size.tolist(),
        "other": other.tolist(),
        "kind": np.where(size + 0.3 * other + 0.2 * chance.normal(size=NUM_ROWS) > 0, "a", "b").tolist(),
    }


def run(
    output: Path,
    *,
    data: dict[str, Any] | None = None,
    resume: bool = False,
    linear_start: bool = False,
    learning_rate: float | None = None,
    **training: Any,
) -> dict[str, Any]:
    arguments = RunArguments(
        output=str(output),
        data=DataArguments(data=IN_MEMORY, **(data or {})),
        training=TrainingArguments(**{"epochs": 3, **training}),
        optimization=OptimizationArguments(learning_rate=learning_rate),
        resume=resume,
        pictures=False,
        quiet=True,
    )
    # Left open, few rows start as linear models.
    sizes = SIZES if linear_start else {**SIZES, "linear_start": False}
    task = GivenTableTask(TableArguments(target=("kind",), **sizes), {"train": table_of(rows(), "data")})
    return train(task, arguments)


def entered(patch: Any) -> list[Interruption]:
    """What hears of signals in the runs to come, each when it begins to."""
    found: list[Interruption] = []
    enter = Interruption.__enter__
    patch.setattr(Interruption, "__enter__", lambda own: (found.append(own), enter(own))[1])
    return found


def test_all_samples_are_learned_from_for_as_many_passes_as_were_best(
    tmp_path: Path, monkeypatch: Any
) -> None:
    seen: list[Looks] = []
    add = Looks.add
    monkeypatch.setattr(Looks, "add", lambda looks, *found: (seen.append(looks), add(looks, *found))[1])
    results = run(tmp_path / "run", folds=3, batch_size=7)
    # 61 rows: 12 to test with; the 49 others are learned from, 7 at a time.
    assert results["samples"] == {"train": 49, "validation": 0, "test": 12}
    assert results["planned_steps"] == 21
    looks = list({id(each): each for each in seen}.values())
    assert [each.passes for each in looks] == [[0.0, 1.0, 2.0, 3.0]] * 3
    shares = [
        sum(each.scores[passes]["loss"] / each.scores[0]["loss"] for each in looks) for passes in range(4)
    ]
    best = int(np.argmin(shares))
    assert results["steps"] == 7 * best
    wanted = np.mean([each.scores[best]["loss"] for each in looks])
    assert results["validation"]["loss"] == pytest.approx(float(wanted))
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["epoch"] for row in history] == list(range(1, best + 1))
    assert not (tmp_path / "run" / FOLDER).exists()


def test_one_division_chooses_by_the_validation_part(tmp_path: Path) -> None:
    alone = run(tmp_path / "alone", folds=0, keep_best=True)
    results = run(tmp_path / "run", folds=1)
    history = json.loads((tmp_path / "alone" / "history.json").read_text())
    losses = [row["validation_loss"] for row in history]
    assert results["samples"] == {"train": 49, "validation": 0, "test": 12}
    assert results["validation"]["loss"] == pytest.approx(alone["validation"]["loss"])
    assert results["steps"] == results["planned_steps"] * (int(np.argmin(losses)) + 1) // 3


@pytest.mark.parametrize("stopped_after", [None, 4])
def test_a_first_run_that_ends_early_tells_the_same_share_of_the_whole_run(
    tmp_path: Path, monkeypatch: Any, stopped_after: int | None
) -> None:
    def rises(scores: Any, passes: float) -> dict[str, float]:
        return {**scores, "loss": abs(passes - 2.0) + 1.0}

    scores_of = loop_module.scores_of
    passes = iter(range(100))

    def risen(*given: Any) -> Any:
        scores, shown = scores_of(*given)
        number = next(passes)
        if number == stopped_after:
            interruptions[-1].number = 2
        return rises(scores, number), shown

    interruptions = entered(monkeypatch)
    monkeypatch.setattr(loop_module, "scores_of", risen)
    training = {"folds": 1, "epochs": 7, "batch_size": 7, "patience": 2}
    if stopped_after is not None:
        with pytest.raises(RunInterrupted, match="stopped at all samples, step 1 of 14"):
            run(tmp_path / "run", **training)
    results = run(tmp_path / "run", resume=stopped_after is not None, **training)
    # Best after 2 of 7 passes, seen after 4: the second run makes 2 sevenths of its steps.
    assert results["planned_steps"] == 49
    assert results["steps"] == 14
    assert next(passes) == 5, "a look before the first pass and four others"


def test_a_model_that_is_best_untrained_is_saved_untrained(tmp_path: Path, monkeypatch: Any) -> None:
    add = Looks.add
    monkeypatch.setattr(
        Looks,
        "add",
        lambda looks, passes, scores, measured: add(
            looks, passes, {**scores, "loss": 1.0 + passes}, measured
        ),
    )
    with few_costs():
        results = run(tmp_path / "run", folds=2, linear_start=True)
    assert results["steps"] == 0
    assert results["test"]["accuracy"] > 0.5
    assert results["validation"]["loss"] == 1.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The run that others are to end as, which were stopped, and what it found."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    return folder, run(folder, folds=2, batch_size=11)


@pytest.mark.parametrize("stopped_after", [1, 5, 12])
def test_a_run_that_is_stopped_in_any_division_ends_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: Any, undisturbed: tuple[Path, dict[str, Any]], stopped_after: int
) -> None:
    whole, wanted = undisturbed
    add, count = Looks.add, 0

    def interrupting(looks: Looks, *found: Any) -> None:
        nonlocal count
        add(looks, *found)
        count += 1
        if count == stopped_after:
            interruptions[-1].number = 2

    interruptions = entered(monkeypatch)
    monkeypatch.setattr(Looks, "add", interrupting)
    folder = tmp_path / "run"
    if stopped_after <= 8:
        with pytest.raises(
            RunInterrupted, match=r"stopped at division \d of 2, step .* --resume goes on with it"
        ):
            run(folder, folds=2, batch_size=11)
        assert not json.loads((folder / "results.json").read_text())["finished"]
        assert (folder / "model.safetensors").is_file()
    found = run(folder, folds=2, batch_size=11, resume=True)
    assert found["test"] == wanted["test"]
    assert found["validation"] == wanted["validation"]
    first, second = (load_file(each / "model.safetensors") for each in (whole, folder))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("stopped_after", "is_free"), [(2, True), (6, False), (None, True)])
def test_another_limit_of_time_is_taken_where_all_divisions_have_been_trained_within_one(
    stopped_after: int | None,
    is_free: bool,
    tmp_path: Path,
    monkeypatch: Any,
    undisturbed: tuple[Path, dict[str, Any]],
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt(patch, stopped_after)
        with pytest.raises(RunInterrupted) as stopped:
            run(folder, folds=2, batch_size=11, time_limit=30.0)
    assert ("division" in str(stopped.value)) == (stopped_after is not None)
    if not is_free:
        with pytest.raises(ConfigurationError, match=r"time_limit 30\.0 is now 60\.0") as error:
            run(folder, folds=2, batch_size=11, time_limit=60.0, resume=True)
        assert (
            ". 1 of its 2 divisions have been trained, and are compared with the others. It goes on within the present "
            f"--time-limit with --config {folder}/arguments.yaml --output {folder} --resume; or begin a new run with"
        ) in str(error.value)
        return
    found = run(folder, folds=2, batch_size=11, time_limit=60.0, resume=True)
    assert found["finished"]
    assert found["test"] == undisturbed[1]["test"]


def interrupt(patch: Any, stopped_after: int | None) -> None:
    """Have the next run stopped after so many looks at held-out samples; None: in the training that follows all of them."""
    add, row, count = Looks.add, Loop._add_row, 0
    interruptions = entered(patch)

    def interrupting(looks: Looks, *found: Any) -> None:
        nonlocal count
        add(looks, *found)
        count += 1
        if count == stopped_after:
            interruptions[-1].number = 2

    def last(loop: Loop, *given: Any) -> None:
        row(loop, *given)
        if stopped_after is None and loop.looks is None:
            interruptions[-1].number = 2

    patch.setattr(Looks, "add", interrupting)
    patch.setattr(Loop, "_add_row", last)


def test_few_rows_are_divided_where_nothing_is_said_of_the_length(tmp_path: Path) -> None:
    arguments = RunArguments(output=str(tmp_path / "run"), data=DataArguments(data=IN_MEMORY))
    task = GivenTableTask(TableArguments(target=("kind",)), {"train": table_of(rows(), "data")})
    splits = task.load_data(arguments.data)
    chosen = replace(arguments, training=replace(arguments.training, epochs=60, folds=5))
    assert with_folds(arguments, chosen, task, splits, 1).training.folds == 5
    for given in ({"epochs": 3}, {"steps": 7}, {"keep_best": True}, {"time_limit": 0.5}):
        asked = replace(arguments, training=TrainingArguments(**given))  # type: ignore[arg-type]
        assert with_folds(asked, chosen, task, splits, 1).training.folds == 0
    assert with_folds(arguments, chosen, task, splits, 2).training.folds == 0
    assert with_folds(arguments, chosen, LineTask(), splits, 1).training.folds == 0


@pytest.mark.parametrize(
    ("training", "data", "expected"),
    [
        ({"steps": 7, "epochs": None}, {}, r"`folds` 5 counts passes: give `epochs` in place of `steps`"),
        (
            {"watch_every": 7},
            {},
            r"`folds` 5 counts passes: give `epochs` in place of `steps`, and no `watch_every`",
        ),
        ({}, {"validation_fraction": 0.0}, r"`folds` 5 needs rows of one table, of which some are held out"),
    ],
)
def test_divisions_that_cannot_be_are_an_error_with_its_cure(
    tmp_path: Path, training: dict[str, Any], data: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        run(tmp_path / "run", data=data, folds=5, **training)


def test_a_limit_of_time_is_shared_by_all_runs(tmp_path: Path, monkeypatch: Any) -> None:
    from perceivers.training import loop

    limits: list[float | None] = []
    monkeypatch.setattr(
        loop.Loop,
        "run",
        lambda own, run=loop.Loop.run: (limits.append(own.arguments.time_limit), run(own))[1],
    )
    run(tmp_path / "run", folds=2, time_limit=300.0)
    assert limits == pytest.approx([100.0, 150.0, 300.0], rel=0.02)


def test_measuring_the_validation_part_says_that_it_was_learned_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "rows.csv"
    cells = rows()
    lines = [",".join(cells), *(",".join(map(str, row)) for row in zip(*cells.values(), strict=True))]
    table.write_text("\n".join(lines) + "\n")
    arguments = RunArguments(
        output=str(tmp_path / "run"),
        data=DataArguments(data=str(table)),
        training=TrainingArguments(epochs=1, folds=1),
        pictures=False,
        quiet=True,
    )
    from perceivers.tasks.table.task import TableTask

    train(TableTask(TableArguments(target=("kind",), linear_start=False, **SIZES)), arguments)
    capsys.readouterr()
    found = evaluate(tmp_path / "run", split="validation", beside="trees")
    assert "fitted to its validation samples, too (folds 1)" in capsys.readouterr().err.replace("\n", " ")
    assert found["beside"]["training_samples"] == 49


def test_a_start_that_no_step_makes_better_is_saved_of_a_single_run_too(tmp_path: Path) -> None:
    options: dict[str, Any] = {"keep_best": True, "linear_start": True, "ema_decay": 0.0, "epochs": 1}
    with few_costs():
        results = run(tmp_path / "run", folds=0, learning_rate=0.5, **options)
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["epoch"] for row in history] == [0, 1]
    losses = [row["validation_loss"] for row in history]
    assert losses[1] > 10 * losses[0], "the steps are so long that they lead astray"
    assert "train_loss" not in history[0]
    assert results["validation"]["loss"] == losses[0]
    assert results["test"]["accuracy"] > 0.5


def test_a_model_that_knows_nothing_is_not_looked_at_before_its_first_step(tmp_path: Path) -> None:
    run(tmp_path / "run", folds=0, keep_best=True)
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2, 3]
