"""The shared loop, with a task of five numbers in and one out: nothing of pictures, text or sound in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torchmetrics import MeanMetric, MetricCollection

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.data.splits import Splits
from perceivers.errors import ConfigurationError, DataError, MissingExtraError, PerceiversError
from perceivers.evaluation import build_accelerator, measure
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task
from perceivers.training import train

TRAIN, VALIDATION, TEST = 30, 7, 11


@dataclass(frozen=True, kw_only=True)
class LineArguments:
    factor: float = 1.0


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.weight)[:, 0]

    def num_parameters(self) -> int:
        return 5

    def save_pretrained(self, folder: Path) -> None:
        torch.save(self.state_dict(), folder / "weights.pt")


class NoProcessor:
    def save_pretrained(self, folder: Path) -> None:
        (folder / "processor.json").write_text("{}")


class LineTask(Task[LineArguments]):
    name: ClassVar[str] = "line"
    headline: ClassVar[str] = "loss"
    arguments_class: ClassVar[type[Any]] = LineArguments
    sizes: ClassVar[tuple[int, int, int]] = (TRAIN, VALIDATION, TEST)

    def __init__(self, arguments: LineArguments | None = None) -> None:
        super().__init__(arguments)
        self.dtypes: set[torch.dtype] = set()
        self.batch_sizes: list[int] = []
        self.augmented = 0

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        generator = torch.Generator().manual_seed(17)
        truth = torch.tensor([1.0, -2.0, 3.0, 0.5, -1.5])
        parts_of_data = []
        for size in self.sizes:
            x = torch.randn(size, 5, generator=generator)
            parts_of_data.append(list(zip(x, x @ truth, strict=True)))
        return Splits(*parts_of_data, unreadable=("row 3 is torn",))

    def build(self, splits: Splits) -> Parts:
        return Parts(Line(), NoProcessor())  # type: ignore[arg-type]

    def restore(self, folder: Path) -> Parts:
        model = Line()
        model.load_state_dict(torch.load(folder / "weights.pt"))
        return Parts(model, NoProcessor())  # type: ignore[arg-type]

    def collate(self, processor: Any, samples: Sequence[Any]) -> Batch:
        return {"x": torch.stack([x for x, _ in samples]), "y": torch.stack([y for _, y in samples])}

    def augment(self, batch: Batch) -> Batch:
        self.augmented += 1
        return {**batch, "x": batch["x"] * self.arguments.factor}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        answer = model(batch["x"])
        self.dtypes.add(answer.dtype)
        self.batch_sizes.append(len(answer))
        errors = (answer.float() - batch["y"]).square()
        return Step(errors.mean(), {"value": errors})

    def metrics(self, parts: Parts) -> MetricCollection:
        return MetricCollection({"loss": MeanMetric()})

    def predict(self, parts: Parts, inputs: Sequence[Path]) -> list[Prediction]:
        raise NotImplementedError

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        raise NotImplementedError


def run(
    folder: Path,
    task: LineTask | None = None,
    *,
    overwrite: bool = False,
    optimization: dict[str, Any] | None = None,
    **training: Any,
) -> tuple[dict[str, Any], torch.Tensor]:
    arguments = RunArguments(
        output=str(folder),
        data=DataArguments(data="line"),
        training=TrainingArguments(**{"epochs": 2, "batch_size": 10, "device": "cpu", **training}),
        optimization=OptimizationArguments(
            **{"learning_rate": 0.1, "warmup_steps": 0, "weight_decay": 0.0, **(optimization or {})}
        ),
        overwrite=overwrite,
    )
    results = train(task or LineTask(), arguments)
    return results, torch.load(folder / "weights.pt")["weight"][0]


def test_training_lowers_the_loss_and_leaves_a_complete_folder(tmp_path: Path) -> None:
    results, _ = run(tmp_path / "run", epochs=40, optimization={"learning_rate": 0.3})
    assert results["test"]["loss"] < 0.05
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == [
        "arguments.json",
        "history.json",
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
    results, weights = run(tmp_path / "run", task, epochs=60)
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
    assert set(json.loads((tmp_path / "run" / "history.json").read_text())[0]) == {"epoch", "train_loss"}


@pytest.mark.parametrize("sizes", [(0, 3, 11), (30, 3, 0)])
def test_an_empty_training_or_test_part_is_an_error(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    class Empty(LineTask):
        pass

    Empty.sizes = sizes
    with pytest.raises(DataError, match="`data` must fill a training and a test part, received"):
        run(tmp_path / "run", Empty())
    assert not (tmp_path / "run").exists()


def test_a_run_is_only_replaced_when_asked_to(tmp_path: Path) -> None:
    _, first = run(tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(
        ConfigurationError, match="already holds a training run; give another folder, or --overwrite"
    ):
        run(tmp_path / "run", seed=5)
    _, second = run(tmp_path / "run", seed=5, overwrite=True)
    assert not torch.equal(first, second)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_an_output_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        run(tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_the_run_and_saves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PerceiversError, match="the loss became nan in epoch 1; lower --learning-rate"):
        run(tmp_path / "run", LineTask(LineArguments(factor=float("nan"))))
    assert not (tmp_path / "run").exists()


def test_measuring_counts_every_sample_once() -> None:
    task = LineTask()
    accelerator = build_accelerator(TrainingArguments(device="cpu"))
    splits = task.load_data(DataArguments(data="line"))
    parts = task.build(splits)
    loader = torch.utils.data.DataLoader(
        splits.test, batch_size=4, collate_fn=lambda samples: task.collate(None, samples)
    )
    score = measure(task, parts.model, parts, accelerator.prepare(loader), accelerator)
    x, y = (torch.stack(column) for column in zip(*splits.test, strict=True))
    expected = (parts.model(x) - y).square().mean()
    assert score["loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert not parts.model.training


def test_missing_accelerate_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError, match=r'`accelerate`.*pip install "perceivers\[train\]"'):
        build_accelerator(TrainingArguments())


@pytest.mark.slow
def test_two_processes_train_and_measure_every_sample_once(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text("import sys\nfrom perceivers.cli import main\nmain(sys.argv[1:])\n")
    command = [
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        str(script),
        "train",
        "image-classification",
    ]
    options = ["--data", "digits", "--output", str(tmp_path / "run"), "--device", "cpu", "--epochs", "1",
               "--latent-channels", "8", "--num-layers", "1", "--image-height", "8", "--image-width", "8"]  # fmt: skip
    finished = subprocess.run(
        [sys.executable, *command, *options], capture_output=True, text=True, check=True
    )
    assert finished.stdout.count("test accuracy") == 1
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["processes"] == 2
    # 359 test samples over two processes: an accuracy of whole 359ths means that none was counted twice.
    correct = results["test"]["accuracy"] * 359
    assert correct == pytest.approx(round(correct), abs=1e-3)
