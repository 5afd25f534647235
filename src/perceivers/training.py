"""The training loop that every task shares, on accelerate: one process or many, the same code."""

from __future__ import annotations

import math
import os
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from perceivers.arguments import ARGUMENTS_FILE, RunArguments, TrainingArguments, save_arguments
from perceivers.data.splits import Samples
from perceivers.errors import ConfigurationError, DataError, PerceiversError
from perceivers.evaluation import build_accelerator, measure
from perceivers.optimization import build_optimizer, build_schedule
from perceivers.reporting import TrainingProgress, draw_learning_curve, installed_versions, write_json
from perceivers.tasks.base import Batch, Parts, Task

if TYPE_CHECKING:
    from accelerate import Accelerator

RESULTS_FILE = "results.json"


@dataclass(frozen=True)
class Loop:
    """The loop itself, with everything that accelerate has prepared for it.

    Args:
        task: one forward pass, augmentation, metrics.
        parts: model and processor as they were built.
        model: the prepared model.
        batches: the prepared training batches.
        watched: the prepared validation batches; may be empty.
        optimizer: the prepared optimiser.
        schedule: the optimiser's learning rate; stepped once an optimiser step.
        accelerator: what prepared them.
    """

    task: Task[Any]
    parts: Parts
    model: nn.Module
    batches: Any
    watched: Any
    optimizer: Any
    schedule: LambdaLR
    accelerator: Accelerator

    def run(self, epochs: int, max_gradient_norm: float) -> list[dict[str, float]]:
        """Pass over the training batches `epochs` times; give one row an epoch: losses and watched metrics."""
        history: list[dict[str, float]] = []
        visible = self.accelerator.is_main_process
        with TrainingProgress(epochs * len(self.batches), epochs, self.task.headline, visible) as progress:
            for epoch in range(1, epochs + 1):
                self.model.train()
                total = 0.0
                for batch in self.batches:
                    loss = self.step(batch, max_gradient_norm)
                    if not math.isfinite(loss):
                        raise PerceiversError(
                            f"the loss became {loss} in epoch {epoch}; lower --learning-rate or --max-gradient-norm"
                        )
                    total += loss
                    progress.batch_done(epoch, loss)
                history.append(
                    {"epoch": float(epoch), "train_loss": total / len(self.batches), **self.watch()}
                )
                progress.epoch_done(history[-1])
        return history

    def step(self, batch: Batch, max_gradient_norm: float) -> float:
        """Run one batch forward and backward, and the optimiser when enough batches are accumulated."""
        with self.accelerator.accumulate(self.model):
            loss = self.task.step(self.model, self.task.augment(batch)).loss
            self.accelerator.backward(loss)
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.model.parameters(), max_gradient_norm)
            self.optimizer.step()
            if self.accelerator.sync_gradients and not self.accelerator.optimizer_step_was_skipped:
                self.schedule.step()
            self.optimizer.zero_grad()
        return float(loss.detach())

    def watch(self) -> dict[str, float]:
        """Measure on the validation batches, if there are any."""
        if not len(self.watched):
            return {}
        scores = measure(self.task, self.model, self.parts, self.watched, self.accelerator)
        return {f"validation_{name}": score for name, score in scores.items()}


def train(task: Task[Any], arguments: RunArguments) -> dict[str, Any]:
    """Train a model from scratch, measure it on the test part, save everything into `arguments.output`.

    The folder receives `config.json`, `model.safetensors`, the processor's settings, `arguments.json` (resolved),
    `history.json`, `learning_curve.png` and `results.json`.

    Args:
        task: data, model, metrics.
        arguments: the run.

    Returns:
        What `results.json` holds.
    """
    started = time.monotonic()
    folder = _require_free(Path(arguments.output), arguments.overwrite)
    training = arguments.training
    accelerator = build_accelerator(training)
    from accelerate.utils import set_seed  # after the line that says how to install it

    set_seed(training.seed, device_specific=True)
    splits = task.load_data(arguments.data)
    if not len(splits.train) or not len(splits.test):
        raise DataError(f"`data` must fill a training and a test part, received {_sizes(splits)}")
    parts = task.build(splits)
    batches = accelerator.prepare(_loader(task, parts, splits.train, training, shuffle=True))
    optimizer = build_optimizer(parts.model, arguments.optimization)
    steps_per_epoch = math.ceil(len(batches) / training.gradient_accumulation_steps)
    schedule = build_schedule(optimizer, arguments.optimization, training.epochs * steps_per_epoch)
    model, optimizer = accelerator.prepare(parts.model, optimizer)
    watched, tested = (
        accelerator.prepare(_loader(task, parts, part, training, shuffle=False))
        for part in (splits.validation, splits.test)
    )

    loop = Loop(task, parts, model, batches, watched, optimizer, schedule, accelerator)
    history = loop.run(training.epochs, training.max_gradient_norm)
    trained = time.monotonic()
    results = {
        "task": task.name,
        "data": arguments.data.data,
        "test": measure(task, model, parts, tested, accelerator),
        "validation": {
            name.removeprefix("validation_"): score
            for name, score in history[-1].items()
            if "validation_" in name
        },
        "samples": _sizes(splits),
        "unreadable": list(splits.unreadable),
        "parameters": parts.model.num_parameters(),
        "seeds": {"training": training.seed, "split": arguments.data.split_seed},
        "seconds": {"training": round(trained - started, 1), "total": round(time.monotonic() - started, 1)},
        "processes": accelerator.num_processes,
        "device": str(accelerator.device),
        "versions": installed_versions(),
    }
    if accelerator.is_main_process:
        _save(folder, task, parts, arguments, history, results)
    accelerator.wait_for_everyone()
    return results


def _loader(
    task: Task[Any], parts: Parts, samples: Samples, training: TrainingArguments, *, shuffle: bool
) -> DataLoader[Any]:
    return DataLoader(
        samples,  # type: ignore[arg-type]
        batch_size=training.batch_size,
        shuffle=shuffle and len(samples) > 0,
        num_workers=training.workers,
        collate_fn=partial(task.collate, parts.processor),
    )


def _save(
    folder: Path,
    task: Task[Any],
    parts: Parts,
    arguments: RunArguments,
    history: list[dict[str, float]],
    results: dict[str, Any],
) -> None:
    """Write all files beside the folder first, then move them in, the results last."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as name:
        partial_folder = Path(name)
        parts.model.save_pretrained(partial_folder)
        parts.processor.save_pretrained(partial_folder)
        save_arguments(partial_folder, task=task.name, model=task.arguments, run=arguments)
        write_json(partial_folder / "history.json", history)
        draw_learning_curve(history, task.headline, partial_folder / "learning_curve.png")
        write_json(partial_folder / RESULTS_FILE, results)
        for path in sorted(partial_folder.iterdir(), key=lambda path: path.name == RESULTS_FILE):
            os.replace(path, folder / path.name)


def _require_free(folder: Path, overwrite: bool) -> Path:
    if folder.is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(folder)!r}")
    if (folder / ARGUMENTS_FILE).exists() and not overwrite:
        raise ConfigurationError(
            f"`output` {str(folder)!r} already holds a training run; give another folder, or --overwrite"
        )
    return folder


def _sizes(splits: Any) -> dict[str, int]:
    return {name: len(splits.part(name)) for name in ("train", "validation", "test")}
