"""The shared loop, with a task of five numbers in and one out."""

from __future__ import annotations

import gc
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from line_task import TEST, TRAIN, LineArguments, LineTask, run
from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.data.draws import NumberedBatch, plain_loader
from perceivers.data.opening import open_tables
from perceivers.data.rows import load_splits
from perceivers.data.splits import Splits
from perceivers.errors import ConfigurationError, DataError, MissingExtraError, PerceiversError
from perceivers.training.evaluation import build_accelerator, measure
from perceivers.training.run import train


def test_training_lowers_the_loss_and_leaves_a_complete_folder(tmp_path: Path) -> None:
    results, _ = run(
        tmp_path / "run",
        epochs=40,
        checkpoint_every=1_000,
        pictures=True,
        optimization={"learning_rate": 0.3},
    )
    assert results["test"]["loss"] < 0.05
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == [
        "arguments.yaml",
        "history.json",
        "history.jsonl",
        "learning_curve.png",
        "processor.json",
        "results.json",
        "weights.pt",
    ]
    saved = json.loads((tmp_path / "run" / "results.json").read_text())
    assert saved == results
    assert saved["samples"] == {"train": 30, "validation": 7, "test": 11}
    assert saved["seeds"] == {"training": 0, "split": 0}
    assert saved["unreadable"] == ["row 3 is torn"]
    assert saved["parameters"] == 5
    assert saved["versions"]["torch"] == torch.__version__
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["epoch"] for row in history] == list(range(1, 41))
    assert history[-1]["validation_loss"] == saved["validation"]["loss"]
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    _, first = run(tmp_path / "a", seed=3)
    _, again = run(tmp_path / "b", seed=3)
    _, other = run(tmp_path / "c", seed=4)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_two_accumulated_batches_are_one_batch_of_twice_the_size(tmp_path: Path) -> None:
    whole_task, halves_task = LineTask(), LineTask()
    _, whole = run(tmp_path / "whole", whole_task, batch_size=10)
    _, halves = run(tmp_path / "halves", halves_task, batch_size=5, gradient_accumulation_steps=2)
    torch.testing.assert_close(halves, whole)
    assert max(whole_task.batch_sizes) == 10
    assert max(halves_task.batch_sizes) == 5


def test_the_batches_left_over_by_accumulation_make_a_step_of_their_own(tmp_path: Path) -> None:
    # Without running means, Adam moves each weight by exactly the rate. 3 batches with 2 accumulated are 2 steps,
    # whose rates are 1 and 0.5 of the highest: every weight ends 1.5 or 0.5 away. 3 accumulated are one step.
    settings = {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-12, "learning_rate": 0.01}
    _, start = run(tmp_path / "start", epochs=1, optimization={**settings, "learning_rate": 1e-12})
    _, two_steps = run(tmp_path / "two", epochs=1, optimization=settings, gradient_accumulation_steps=2)
    _, one_step = run(tmp_path / "one", epochs=1, optimization=settings, gradient_accumulation_steps=3)
    moved = ((two_steps - start).abs() / 0.01).tolist()
    assert all(abs(distance - 1.5) < 1e-3 or abs(distance - 0.5) < 1e-3 for distance in moved)
    torch.testing.assert_close((one_step - start).abs(), torch.full((5,), 0.01))


def test_gradients_are_clipped_to_the_global_norm(tmp_path: Path) -> None:
    # An epsilon of 1 makes Adam's step follow the size of the gradient, so a tiny norm all but stops it.
    settings = {"epsilon": 1.0, "learning_rate": 1.0}
    _, start = run(tmp_path / "start", optimization={**settings, "learning_rate": 1e-12})
    _, clipped = run(tmp_path / "clipped", optimization=settings, max_gradient_norm=1e-6)
    _, free = run(tmp_path / "free", optimization=settings, max_gradient_norm=1e6)
    torch.testing.assert_close(clipped, start, rtol=0.0, atol=1e-4)
    assert (free - start).abs().max() > 0.1


def test_mixed_precision_reaches_the_forward_pass(tmp_path: Path) -> None:
    task = LineTask()
    _, weights = run(tmp_path / "bf16", task, mixed_precision="bf16")
    plain = LineTask()
    run(tmp_path / "plain", plain)
    assert weights.dtype == torch.float32
    assert plain.dtypes == {torch.float32}
    # accelerate hands back float32; the rounding of bf16 stays in the numbers.
    assert not torch.equal(weights, torch.load(tmp_path / "plain" / "weights.pt")["weight"][0])


def test_only_training_batches_are_augmented(tmp_path: Path) -> None:
    task = LineTask(LineArguments(factor=2.0))
    results, weights = run(tmp_path / "run", task, epochs=60, checkpoint_every=1_000)
    assert task.augmented == 60 * 3
    # Twice the input was fitted, so the weights are half of the truth and the untouched test part does not fit.
    torch.testing.assert_close(weights, torch.tensor([0.5, -1.0, 1.5, 0.25, -0.75]), atol=0.05, rtol=0.0)
    assert results["test"]["loss"] > 1.0


def test_samples_may_be_loaded_by_worker_processes(tmp_path: Path) -> None:
    _, direct = run(tmp_path / "direct")
    _, loaded = run(tmp_path / "loaded", workers=1)
    assert torch.equal(direct, loaded)


def test_an_empty_validation_part_is_not_watched(tmp_path: Path) -> None:
    class Unwatched(LineTask):
        sizes: ClassVar[tuple[int, int, int]] = (TRAIN, 0, TEST)

    results, _ = run(tmp_path / "run", Unwatched())
    assert results["validation"] == {}
    row = json.loads((tmp_path / "run" / "history.json").read_text())[0]
    assert set(row) == {"step", "epoch", "train_loss", "learning_rate"}


def test_a_run_is_only_replaced_when_asked_to(tmp_path: Path) -> None:
    _, first = run(tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(
        ConfigurationError, match="already holds a training run; give another folder, --overwrite to replace"
    ):
        run(tmp_path / "run", seed=5)
    _, second = run(tmp_path / "run", seed=5, overwrite=True)
    assert not torch.equal(first, second)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_an_output_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        run(tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_the_run_and_names_step_samples_and_checkpoint(
    tmp_path: Path,
) -> None:
    class TornLate(LineTask):
        def augment(self, batch: Any) -> Any:
            changed = super().augment(batch)
            return {**changed, "y": changed["y"] * float("nan")} if self.augmented == 5 else changed

    with pytest.raises(PerceiversError) as error:
        run(tmp_path / "run", TornLate(), batch_size=3, epochs=1, checkpoint_every=2)
    message = str(error.value)
    assert "the loss became nan at optimiser step 5 with the samples line " in message
    assert message.count("line ") == 3
    assert "lower --learning-rate or --max-gradient-norm" in message
    assert "the last good one is" in message
    assert "step-00000004'" in message
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    class Steep(LineTask):
        def step(self, model: Any, batch: Any) -> Any:
            step = super().step(model, batch)
            # The square root of zero: a finite loss, an infinite slope.
            return replace(step, loss=step.loss + (0.0 * model.weight.sum()).sqrt())

    with pytest.raises(
        PerceiversError, match="the gradient's norm became nan at optimiser step 1 with the samples"
    ):
        run(tmp_path / "run", Steep())


def test_measuring_counts_every_sample_once() -> None:
    task = LineTask()
    accelerator = build_accelerator(TrainingArguments(device="cpu"))
    splits = task.load_data(DataArguments(data="line"))
    parts = task.build(splits)
    loader = plain_loader(splits.test, NumberedBatch(task.collate, None), batch_size=4)
    score, others = measure(task, parts.model, parts, accelerator.prepare(loader), accelerator)
    x, y = (torch.stack(column) for column in zip(*splits.test, strict=True))
    expected = (parts.model(x) - y).square().mean()
    assert score["loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert others == {}
    assert not parts.model.training


def test_missing_accelerate_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError, match=r'`accelerate`.*pip install "perceivers\[train\]"'):
        build_accelerator(TrainingArguments())


def test_a_run_may_be_counted_in_steps(tmp_path: Path) -> None:
    # 30 samples in batches of 10: three steps a pass.
    results, _ = run(tmp_path / "run", steps=7, watch_every=2)
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert results["steps"] == 7
    assert [row["step"] for row in history] == [2, 4, 6, 7]
    assert [row["epoch"] for row in history] == pytest.approx([2 / 3, 4 / 3, 2, 7 / 3])


def test_the_running_mean_of_the_weights_is_what_is_saved(tmp_path: Path) -> None:
    # After one step the mean is the weights themselves; after the second 0.75 of the first and 0.25 of the second.
    options: dict[str, Any] = {"batch_size": TRAIN, "optimization": {"constant_fraction": 1.0}}
    _, first = run(tmp_path / "first", steps=1, **options)
    _, second = run(tmp_path / "second", steps=2, **options)
    _, mean = run(tmp_path / "mean", steps=2, ema_decay=0.75, **options)
    torch.testing.assert_close(mean, 0.75 * first + 0.25 * second)


def test_the_best_weights_are_saved_when_asked_for(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "batch_size": TRAIN,
        "watch_every": 1,
        "optimization": {"learning_rate": 1.5, "constant_fraction": 1.0},
    }
    run(tmp_path / "all", steps=9, **options)
    losses = [row["validation_loss"] for row in json.loads((tmp_path / "all" / "history.json").read_text())]
    best = losses.index(min(losses))
    assert best not in (0, 8), "the steps are so long that the loss rises again"
    _, stopped = run(tmp_path / "stopped", steps=best + 1, **options)
    results, kept = run(tmp_path / "kept", steps=9, keep_best=True, **options)
    assert torch.equal(kept, stopped)
    assert results["validation"]["loss"] == min(losses)


def test_the_order_of_the_samples_differs_between_passes(tmp_path: Path) -> None:
    class Noting(LineTask):
        def augment(self, batch: Any) -> Any:
            self.seen = [*getattr(self, "seen", []), *batch["y"].tolist()]
            return super().augment(batch)

    task = Noting()
    run(tmp_path / "run", task)
    first, second = task.seen[:TRAIN], task.seen[TRAIN:]
    assert first != second
    assert sorted(first) == sorted(second)


def test_a_task_may_be_given_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"`task` must be one of .*received 'line'"):
        run(tmp_path / "run", "line")  # type: ignore[arg-type]


def test_a_task_hears_of_every_pass_that_begins(tmp_path: Path) -> None:
    class Hearing(LineTask):
        def begin_pass(self, epoch: int, epochs: int) -> None:
            self.heard = [*getattr(self, "heard", []), (epoch, epochs)]

    by_epochs, by_steps = Hearing(), Hearing()
    run(tmp_path / "epochs", by_epochs, epochs=3, gradient_accumulation_steps=2)
    assert by_epochs.heard == [(0, 3), (1, 3), (2, 3)]
    # Three steps a pass: the fourth step is in a second one.
    run(tmp_path / "steps", by_steps, steps=4)
    assert by_steps.heard == [(0, 2), (1, 2)]


# datasets leaves the closing of the files that it streams to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_is_trained_on_for_a_number_of_steps(tmp_path: Path) -> None:
    rows = "".join(f"{index % 5},{index % 3}\n" for index in range(23)) + "torn,1\n"
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + (rows if name == "train" else "1,2\n"))

    class Streamed(LineTask):
        def load_data(self, arguments: DataArguments, parts: Any = None) -> Splits:
            return load_splits(arguments, open_tables(arguments, ()), read_numbers)

    def train_on_stream(folder: Path, **training: Any) -> dict[str, Any]:
        return train(
            Streamed(LineArguments(noise=0.1)),
            RunArguments(
                output=str(folder),
                data=DataArguments(
                    data=str(tmp_path / "train.csv"),
                    test_data=str(tmp_path / "test.csv"),
                    streaming=True,
                    unreadable="skip",
                ),
                training=TrainingArguments(batch_size=5, device="cpu", **training),
            ),
        )

    results = train_on_stream(tmp_path / "run", steps=7, watch_every=3)
    assert results["steps"] == 7
    assert results["samples"] == {"train": "streamed", "validation": 0, "test": 1}
    # Seven batches of five are more than one pass over 23 good rows: the torn one was met twice.
    assert results["unreadable"], "a row that cannot be read is reported"
    assert all("must be a number, received 'torn'" in line for line in results["unreadable"])
    with pytest.raises(ConfigurationError, match="`steps` must be given with `streaming`"):
        train_on_stream(tmp_path / "endless")
    gc.collect()


def read_numbers(row: Any, table: Any) -> Any:
    if row["x"] == "torn":
        raise DataError("x must be a number, received 'torn'")
    return torch.full((5,), float(row["x"])), torch.tensor(float(row["y"]))
