"""A task of five numbers in and one out: the loop with nothing of pictures, text or sound in it.

Run: python line_task.py FOLDER OPTIONS... trains it in a process of its own; `main` says the options.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torchmetrics import MeanMetric, MetricCollection

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.splits import Splits
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task
from perceivers.training.run import train

TRAIN, VALIDATION, TEST = 30, 7, 11


@dataclass(frozen=True, kw_only=True)
class LineArguments:
    factor: float = 1.0
    noise: float = 0.0
    dropout: float = 0.0


class Line(nn.Module):
    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 5))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(self.dropout(x), self.weight)[:, 0]

    def num_parameters(self, only_trainable: bool = False) -> int:
        return 5

    def save_pretrained(self, folder: Path, state_dict: dict[str, torch.Tensor]) -> None:
        torch.save(state_dict, folder / "weights.pt")


class NoProcessor:
    def save_pretrained(self, folder: Path) -> None:
        (folder / "processor.json").write_text("{}")


class NamedSamples(list[Any]):
    def name(self, index: int) -> str:
        return f"line {index}"


class LineTask(Task[LineArguments]):
    name: ClassVar[str] = "line"
    headline: ClassVar[str] = "loss"
    headline_is_better = "lower"
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
            parts_of_data.append(NamedSamples(zip(x, x @ truth, strict=True)))
        return Splits(*parts_of_data, unreadable=("row 3 is torn",))

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        return Parts(Line(self.arguments.dropout), NoProcessor())  # type: ignore[arg-type]

    def restore(self, folder: Path) -> Parts:
        model = Line()
        model.load_state_dict(torch.load(folder / "weights.pt"))
        return Parts(model, NoProcessor())  # type: ignore[arg-type]

    def vary(self, sample: Any, generator: np.random.Generator) -> Any:
        x, y = sample
        return x + self.arguments.noise * torch.from_numpy(generator.normal(size=5)).float(), y

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

    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        return []

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        return []


class KilledTask(LineTask):
    """A task whose process receives a signal when the given batch has been run forward; SIGKILL is a power cut."""

    killed_at = 0
    killed_by = "SIGKILL"
    run_forward = 0

    def step(self, model: nn.Module, batch: Batch) -> Step:
        if model.training:
            self.run_forward += 1
            if self.run_forward == self.killed_at:
                os.kill(os.getpid(), signal.Signals[self.killed_by])
        return super().step(model, batch)


def run(
    folder: Path,
    task: LineTask | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    pictures: bool = False,
    optimization: dict[str, Any] | None = None,
    **training: Any,
) -> tuple[dict[str, Any], torch.Tensor]:
    """Train; give the results and the weights [5]."""
    arguments = RunArguments(
        output=str(folder),
        data=DataArguments(data="line"),
        training=TrainingArguments(
            **{"epochs": 2, "batch_size": 10, "device": "cpu", "keep_best": False, **training}
        ),
        optimization=OptimizationArguments(
            **{"learning_rate": 0.1, "warmup_steps": 0, "weight_decay": 0.0, **(optimization or {})}
        ),
        overwrite=overwrite,
        resume=resume,
        pictures=pictures,
    )
    results = train(task or LineTask(), arguments)
    return results, torch.load(folder / "weights.pt")["weight"][0]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", default="{}", help="JSON of LineArguments")
    parser.add_argument("--training", default="{}", help="JSON of TrainingArguments")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--killed-at", type=int, default=0, help="batch of this process, from 1")
    parser.add_argument("--killed-by", default="SIGKILL", help="the signal")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument(
        "--killed-while-saving", type=int, default=0, help="checkpoint of this process, from 1"
    )
    options = parser.parse_args(words)
    task = KilledTask(LineArguments(**json.loads(options.task)))
    task.killed_at, task.killed_by = options.killed_at, options.killed_by
    if options.killed_while_saving:
        _kill_while_saving(options.killed_while_saving)
    training = json.loads(options.training)
    run(options.folder, task, overwrite=options.overwrite, resume=options.resume, **training)


def _kill_while_saving(number: int) -> None:
    """Kill the process when half of its `number`-th checkpoint is written."""
    from accelerate import Accelerator

    saved = 0
    save_model = Accelerator.save_state

    def save_state(self: Any, folder: str) -> None:
        nonlocal saved
        saved += 1
        save_model(self, folder)
        if saved == number:
            for path in Path(folder).iterdir():
                path.write_bytes(path.read_bytes()[:10])
            os.kill(os.getpid(), signal.SIGKILL)

    Accelerator.save_state = save_state  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
