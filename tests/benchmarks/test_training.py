"""The training benchmark, end to end on tiny models: equal losses on both sides, sides that do not fit, its table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import measuring
import pytest
import torch
import training_jobs
from measuring import OUT_OF_MEMORY, Outcome

import training
from training import HEADER, OURS, RECOMPUTING, SIDES, THEIRS, Measured

MEBIBYTE = 2**20


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[str], str]:
    def write(name: str) -> str:
        training.write_weights(training_jobs.small(training_jobs.JOBS[name]), str(tmp_path / name))
        return str(tmp_path / name)

    return write


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Starts no processes; sides named in `too_large` fail as those do that do not fit."""

    def replace(too_large: tuple[str, ...] = (), peak: int = 7 * MEBIBYTE) -> None:
        def run(function: Any, *arguments: Any, memory_limit: int | None = None, **named: Any) -> Outcome:
            sides = arguments[2] if len(arguments) > 2 else ()
            if set(sides) & set(too_large):
                return Outcome(failure=OUT_OF_MEMORY)
            return Outcome(function(*arguments, **named), peak)

        monkeypatch.setattr(training, "in_fresh_process", run)

    return replace


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", list(training_jobs.JOBS))
def test_all_sides_of_every_model_learn_the_same(name: str, folder_of: Callable[[str], str]) -> None:
    job, folder = training_jobs.small(training_jobs.JOBS[name]), folder_of(name)
    results = training.steps_together(job, folder, SIDES, batch_size=2, repetitions=1)
    training.require_equal(name, results)
    assert all(len(result.seconds) == 1 and result.gradient > 1e-4 for result in results.values())


def test_the_jobs_have_the_parameters_of_the_released_models() -> None:
    import perceivers

    counts = {}
    for name, job in training_jobs.JOBS.items():
        with torch.device("meta"):
            model = getattr(perceivers, job.class_name)(perceivers.PerceiverConfig(**job.sizes))
        counts[name] = model.num_parameters()
    counts.pop("sequence-classification")
    assert counts == {
        "masked-lm": 201_108_230,
        "image-learned": 62_255_848,
        "image-fourier": 48_440_627,
        "image-conv": 48_646_522,
        "optical-flow": 41_057_134,
        "multimodal": 19_858_855,
    }


def test_a_step_changes_the_loss_and_checkpointing_is_on_only_where_it_is_named(
    folder_of: Callable[[str], str],
) -> None:
    job, folder = training_jobs.small(training_jobs.JOBS["image-fourier"]), folder_of("image-fourier")
    plain, recomputing = (training.TrainingStep(side, job, folder, 3) for side in (OURS, RECOMPUTING))
    assert (plain.model.is_gradient_checkpointing, recomputing.model.is_gradient_checkpointing) == (
        False,
        True,
    )
    assert plain.model.training
    first, second = plain(), plain()
    assert second < first


def test_multimodal_labels_and_points_are_the_same_on_both_sides(folder_of: Callable[[str], str]) -> None:
    job, folder = training_jobs.small(training_jobs.JOBS["multimodal"]), folder_of("multimodal")
    ours, theirs = (training.TrainingStep(side, job, folder, 2) for side in (OURS, THEIRS))
    for name in ("image", "audio"):
        points = ours.inputs["subsampled_output_points"][name]
        assert torch.equal(points, theirs.inputs["subsampled_output_points"][name])
        assert len(points) == len(set(points.tolist())) == training_jobs.NUM_POINTS
    assert torch.equal(ours.labels["label"], theirs.labels["label"])


def test_another_loss_or_gradient_ends_the_run() -> None:
    def results(loss: float, gradient: float) -> dict[str, Measured]:
        return {OURS: Measured(2.0, 5.0, ()), THEIRS: Measured(loss, gradient, ())}

    training.require_equal("optical-flow", results(2.0001, 5.004))
    with pytest.raises(SystemExit, match=r"flow: the sides differ in the loss: .*2\.001"):
        training.require_equal("optical-flow", results(2.001, 5.0))
    with pytest.raises(SystemExit, match="flow: the sides differ in the gradient"):
        training.require_equal("optical-flow", results(2.0, 5.1))
    with pytest.raises(SystemExit, match="the loss"):
        training.require_equal("optical-flow", results(float("nan"), 5.0))


def test_the_script_prints_a_row_for_each_model_and_writes_the_table(
    tmp_path: Path, in_this_process: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    in_this_process()
    output = tmp_path / "training.md"
    training.main(
        ["--small", "--models", "masked-lm", "optical-flow", "--repetitions", "2", "--output", str(output)]
    )
    text = output.read_text()
    assert capsys.readouterr().out == text
    header, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert cells(header) == list(HEADER)
    assert [cells(row)[0] for row in rows] == ["masked-lm", "optical-flow"]
    assert all(cells(row)[5:8] == ["7 MiB"] * 3 and cells(row)[-1] == "in one process" for row in rows)
    assert "# A training step, batch size 1, tiny models" in text
    assert "medians of 2 timed steps" in text


def test_a_side_that_does_not_fit_is_out_of_memory_and_the_others_are_still_measured(
    in_this_process: Callable[..., None],
) -> None:
    in_this_process(too_large=(THEIRS,))
    job = training_jobs.small(training_jobs.JOBS["image-conv"])
    row = training.measure("image-conv", job, 1, 2, 2**30, False)
    assert (row[3], row[7]) == (OUT_OF_MEMORY, OUT_OF_MEMORY)
    assert (row[4], row[8]) == ("-", "-")
    assert row[1].endswith("ms")
    assert row[5] == "7 MiB"
    assert row[10] == "in fresh processes"


def test_a_model_that_fits_on_no_side_still_has_its_row(in_this_process: Callable[..., None]) -> None:
    in_this_process(too_large=SIDES)
    job = training_jobs.small(training_jobs.JOBS["masked-lm"])
    row = training.measure("masked-lm", job, 1, 1, 2**30, False)
    assert row.count(OUT_OF_MEMORY) == 6
    assert row[9] == "-"


def test_sides_that_fit_only_one_at_a_time_are_timed_in_fresh_processes(
    in_this_process: Callable[..., None],
) -> None:
    in_this_process(peak=5 * MEBIBYTE)
    job = training_jobs.small(training_jobs.JOBS["masked-lm"])
    assert training.measure("masked-lm", job, 1, 1, 15 * MEBIBYTE, False)[-1] == "in fresh processes"
    assert training.measure("masked-lm", job, 1, 1, 16 * MEBIBYTE, False)[-1] == "in one process"
    assert training.measure("masked-lm", job, 1, 1, 16 * MEBIBYTE, True)[-1] == "in fresh processes"


def test_a_real_limit_stops_a_side_in_a_real_process(folder_of: Callable[[str], str]) -> None:
    job, folder = training_jobs.small(training_jobs.JOBS["image-fourier"]), folder_of("image-fourier")
    # 4096 pictures are 50 MB, their position features some 4 GB.
    settings = {"batch_size": 4096, "repetitions": 2, "memory_limit": 1024 * MEBIBYTE}
    outcome = measuring.in_fresh_process(training.steps_together, job, folder, (OURS,), **settings)
    assert outcome == Outcome(peak=outcome.peak, failure=OUT_OF_MEMORY)
