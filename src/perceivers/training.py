"""The training loop that every task shares, on accelerate: one process or many, the same code."""

from __future__ import annotations

import math
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from perceivers.arguments import ARGUMENTS_FILE, RunArguments, TrainingArguments, save_arguments
from perceivers.data.splits import Samples
from perceivers.errors import ConfigurationError, DataError, PerceiversError
from perceivers.evaluation import build_accelerator, measure
from perceivers.optimization import build_optimizer, build_schedule
from perceivers.reporting import TrainingProgress, draw_learning_curve, installed_versions, write_json
from perceivers.tasks.base import Parts, Task

RESULTS_FILE = "results.json"


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

    history: list[dict[str, float]] = []
    with TrainingProgress(
        training.epochs * len(batches), training.epochs, task.headline, accelerator.is_main_process
    ) as progress:
        for epoch in range(1, training.epochs + 1):
            model.train()
            total = 0.0
            for batch in batches:
                with accelerator.accumulate(model):
                    loss = task.step(model, task.augment(batch)).loss
                    accelerator.backward(loss)
                    if accelerator.sync_gradients:
                        accelerator.clip_grad_norm_(model.parameters(), training.max_gradient_norm)
                    optimizer.step()
                    if accelerator.sync_gradients and not accelerator.optimizer_step_was_skipped:
                        schedule.step()
                    optimizer.zero_grad()
                value = _require_finite(loss, epoch)
                total += value
                progress.batch_done(epoch, value)
            row = {"epoch": float(epoch), "train_loss": total / len(batches)}
            if len(splits.validation):
                scores = measure(task, model, parts, watched, accelerator)
                row.update({f"validation_{name}": score for name, score in scores.items()})
            history.append(row)
            progress.epoch_done(row)
    trained = time.monotonic()
    results = {
        "task": task.name,
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


def _require_finite(loss: torch.Tensor, epoch: int) -> float:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise PerceiversError(
            f"the loss became {value} in epoch {epoch}; lower --learning-rate or --max-gradient-norm"
        )
    return value


def _sizes(splits: Any) -> dict[str, int]:
    return {name: len(splits.part(name)) for name in ("train", "validation", "test")}
