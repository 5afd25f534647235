"""Training, for every task: `Loop` is the loop, `train` puts a run together, measures it and saves it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from perceivers.arguments import RunArguments, TrainingArguments, save_arguments
from perceivers.arguments.advice import resolved
from perceivers.arguments.open import filled
from perceivers.data.draws import NumberedBatch, plain_loader, seed_of_step, training_loader
from perceivers.errors import ConfigurationError, DataError, PerceiversError
from perceivers.records import RESULTS_FILE, read_json
from perceivers.tasks.base import Parts, Task
from perceivers.tasks.registry import as_task
from perceivers.tasks.telling import asked_for, run_in_words
from perceivers.training.checkpoints import Position, RunCheckpoints
from perceivers.training.evaluation import build_accelerator, collect, measure
from perceivers.training.folder import claim, save_run
from perceivers.training.optimization import build_optimizer, build_schedule
from perceivers.training.reporting import TrainingProgress, installed_versions, print_plan, results_table
from perceivers.training.starting import freeze, start_config, take_weights
from perceivers.training.weights import Average, Best

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Loop:
    """The loop itself, with everything that accelerate has prepared for it.

    Args:
        task: one forward pass, augmentation, metrics.
        parts: model and processor as they were built.
        model: the prepared model.
        batches: the prepared training batches; each is (indices of the samples, what the task's `collate` gave).
        order: what the batches follow; its `epoch` is set before each pass.
        watched: the prepared validation batches; may be empty.
        optimizer: the prepared optimiser.
        schedule: the optimiser's learning rate; stepped once an optimiser step.
        accelerator: what prepared them.
        checkpoints: where the run can be resumed from.
        position: where the run is.
        average: running mean of the weights, or None.
        best: the best weights so far, or None.
        name_of: what errors call a training sample, by index.
        arguments: how long and how to run.
        total_steps: optimiser steps of the whole run.
        quiet: whether no progress is shown.
    """

    task: Task[Any]
    parts: Parts
    model: nn.Module
    batches: Any
    order: Any
    watched: Any
    optimizer: Any
    schedule: LambdaLR
    accelerator: Accelerator
    checkpoints: RunCheckpoints
    position: Position
    average: Average | None
    best: Best | None
    name_of: Any
    arguments: TrainingArguments
    total_steps: int
    quiet: bool = False

    def run(self) -> None:
        """Train from the present position to the end."""
        position, started = self.position, time.monotonic() - self.position.seconds
        visible = self.accelerator.is_main_process and not self.quiet
        with TrainingProgress(self.total_steps, position.step, self.task.headline, visible) as progress:
            while position.step < self.total_steps:
                for indices, batch in self._pass():
                    loss = self.step(indices, batch)
                    position.seconds = time.monotonic() - started
                    if self.accelerator.sync_gradients:
                        progress.step_done(position.step, position.epoch, loss)
                        self._between_steps(progress)
                    if position.step == self.total_steps:
                        break
                else:
                    if not position.batches:
                        raise DataError("`data` must give training samples, received a stream without any")
                    position.epoch, position.batches = position.epoch + 1, 0
                    if self.arguments.watch_every is None:
                        self._add_row(progress)

    def step(self, indices: Tensor, batch: Any) -> float:
        """Run one batch forward and backward, and the optimiser when enough batches are accumulated; the mean loss."""
        position, accelerator = self.position, self.accelerator
        torch.manual_seed(seed_of_step(self.arguments.seed, position.batches_seen, accelerator.process_index))
        with accelerator.accumulate(self.model):
            loss = self.task.step(self.model, self.task.augment(batch)).loss
            mean = float(accelerator.reduce(loss.detach(), "mean"))
            self._require_finite("loss", mean, indices)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                norm = accelerator.clip_grad_norm_(
                    self.model.parameters(), self.arguments.max_gradient_norm or math.inf
                )
                if accelerator.scaler is None:
                    self._require_finite("gradient's norm", float(norm), indices)
            self.optimizer.step()
            if accelerator.sync_gradients:
                position.step += 1
                if not accelerator.optimizer_step_was_skipped:
                    self.schedule.step()
                    if self.average is not None:
                        self.average.update(self.model)
            self.optimizer.zero_grad()
        position.batches += 1
        position.batches_seen += 1
        position.loss_sum += mean
        position.loss_count += 1
        return mean

    def watch(self) -> dict[str, float]:
        """Measure on the validation batches, if there are any, with the weights that would be saved now."""
        if not len(self.watched):
            return {}
        model = self.model if self.average is None else self.average.model
        scores, _ = measure(self.task, model, self.parts, self.watched, self.accelerator)
        self.model.train()
        if self.best is not None:
            self.best.offer(scores[self.task.best_by[0]], model)
        return {f"validation_{name}": score for name, score in scores.items()}

    def _pass(self) -> Iterator[tuple[Tensor, Any]]:
        """The batches of the present pass that are not done yet."""
        epoch = self.position.epoch
        self.order.epoch = epoch
        self.task.begin_pass(epoch, max(self._passes(), epoch + 1))
        self.model.train()
        if not self.position.batches:
            return iter(self.batches)
        return iter(self.accelerator.skip_first_batches(self.batches, self.position.batches))

    def _passes(self) -> int:
        """Passes of the whole run; 1 where the length of a pass is not known."""
        if not hasattr(self.order, "__len__"):
            return 1
        steps = math.ceil(len(self.batches) / self.arguments.gradient_accumulation_steps)
        return math.ceil(self.total_steps / steps)

    def _between_steps(self, progress: TrainingProgress) -> None:
        step, ended = self.position.step, self.position.step == self.total_steps
        watch_every, checkpoint_every = self.arguments.watch_every, self.arguments.checkpoint_every
        if (watch_every is not None and step % watch_every == 0) or ended:
            self._add_row(progress)
        if (checkpoint_every is not None and step % checkpoint_every == 0) or ended:
            self.checkpoints.save(step)

    def _add_row(self, progress: TrainingProgress) -> None:
        """Look at the validation samples, and write a checkpoint where none has a rhythm of its own."""
        position = self.position
        row = {
            "step": float(position.step),
            "epoch": self._epochs_done(),
            "train_loss": position.loss_sum / max(position.loss_count, 1),
            "learning_rate": float(self.schedule.get_last_lr()[0]),
            **self.watch(),
        }
        position.history.append(row)
        position.loss_sum, position.loss_count = 0.0, 0
        progress.row_done(row)
        if self.arguments.checkpoint_every is None:
            self.checkpoints.save(position.step)

    def _epochs_done(self) -> float:
        """Passes over the data, parts of one included; whole ones only where their length is not known."""
        position = self.position
        has_length = position.batches and hasattr(self.order, "__len__")
        return position.epoch + (position.batches / len(self.batches) if has_length else 0.0)

    def _require_finite(self, what: str, value: float, indices: Tensor) -> None:
        if math.isfinite(value):
            return
        names = ", ".join(self.name_of(int(index)) for index in indices)
        raise PerceiversError(
            f"the {what} became {value} at optimiser step {self.position.step + 1} with the samples {names}; lower "
            f"--learning-rate or --max-gradient-norm, or mend the samples; of the checkpoints, "
            f"{self.checkpoints.describe_last()}"
        )


def train(task: Task[Any] | str, arguments: RunArguments) -> dict[str, Any]:
    """Train a model, measure it on the test part, save everything into `arguments.output`.

    The folder receives `arguments.yaml` (resolved; a recipe by itself) when the run begins, and when it ends `config.json`,
    `model.safetensors`, the processor's settings, `history.json`, `learning_curve.png` and `results.json`. Checkpoints to
    resume from are in `checkpoints` until then.

    Args:
        task: what to train for, or its name to train with its default arguments.
        arguments: the run.

    Returns:
        What `results.json` holds.

    Raises:
        ConfigurationError: the output folder holds another run, or a choice does not fit.
        DataError: data that are absent or cannot be read, by file and row.
        PerceiversError: a loss that is not finite, with the step and the samples.
    """
    task, output = as_task(task), Path(arguments.output)
    asked = asked_for(task.arguments, arguments)
    if claim(output, task, arguments):
        finished: dict[str, Any] = read_json(output / RESULTS_FILE)
        return finished
    accelerator = build_accelerator(arguments.training)
    from accelerate.utils import set_seed  # after the line that says how to install it

    set_seed(arguments.training.seed)
    task.prepare(arguments)
    splits = task.load_data(arguments.data)
    arguments = resolved(_without_copies(arguments, accelerator), task.advise(splits, arguments))
    training = arguments.training
    _require_samples(splits, arguments)
    if accelerator.is_main_process and not arguments.quiet:
        print_plan(task.plan(splits))
    parts = task.build(splits, start_config(arguments.start))
    fresh_keys = take_weights(parts.model, arguments.start)
    freeze(parts.model, arguments.start)
    if training.gradient_checkpointing:
        parts.model.gradient_checkpointing_enable()
    if accelerator.is_main_process:
        output.mkdir(parents=True, exist_ok=True)
        save_arguments(output, task=task.name, model=task.arguments, run=arguments)
    loop = _build_loop(task, parts, splits, arguments, accelerator)
    if accelerator.is_main_process and not arguments.quiet:
        rows = run_in_words(
            sees=task.sees(),
            parameters=parts.model.num_parameters(),
            arguments=task.arguments,
            run=arguments,
            steps=loop.total_steps,
            asked=asked,
        )
        print_plan([results_table("plan", {**task.plan_of_samples(splits), **rows})])
    if arguments.resume:
        loop.checkpoints.load()
    else:
        loop.checkpoints.remove()
    loop.run()

    final = loop.model if loop.average is None else loop.average.model
    if loop.best is not None:
        loop.best.restore(final)
    parts = task.finish(parts, lambda: collect(task, final, loop.watched, accelerator))
    scores: dict[str, float] = {}
    shown: dict[str, Tensor] = {}
    if len(splits.test):
        tested = accelerator.prepare(_plain(task, parts, splits.test, training))
        scores, shown = measure(task, final, parts, tested, accelerator)
    results = {
        "task": task.name,
        "data": arguments.data.data,
        "test": scores,
        "validation": _validation_scores(loop),
        "samples": _sizes(splits),
        "unreadable": [*splits.unreadable, *getattr(splits.train, "unreadable", ())],
        "started_from": arguments.start.start,
        "new_weights": fresh_keys,
        "parameters": parts.model.num_parameters(),
        "trained_parameters": parts.model.num_parameters(only_trainable=True),
        "steps": loop.position.step,
        "seeds": {"training": training.seed, "split": arguments.data.split_seed},
        "seconds": {"training": round(loop.position.seconds, 1)},
        "processes": accelerator.num_processes,
        "device": str(accelerator.device),
        "versions": installed_versions(),
    }
    weights = accelerator.get_state_dict(final)
    if accelerator.is_main_process:
        parts = replace(parts, model=accelerator.unwrap_model(final))
        history = loop.position.history
        save_run(output, task, parts, weights, history, results, shown, pictures=arguments.pictures)
    accelerator.wait_for_everyone()
    loop.checkpoints.remove()
    return results


def _build_loop(
    task: Task[Any], parts: Parts, splits: Any, arguments: RunArguments, accelerator: Accelerator
) -> Loop:
    """Build the optimiser and what else a run needs, and have accelerate prepare it."""
    training = arguments.training
    loader, order = training_loader(
        splits.train,
        task.vary,
        NumberedBatch(task.collate, parts.processor),
        batch_size=training.batch_size or 1,
        seed=training.seed,
        workers=training.workers,
    )
    optimizer = build_optimizer(parts.model, arguments.optimization)
    model, optimizer, batches, watched = accelerator.prepare(
        parts.model, optimizer, loader, _plain(task, parts, splits.validation, training)
    )
    total_steps = training.steps or (training.epochs or 1) * math.ceil(
        len(batches) / training.gradient_accumulation_steps
    )
    schedule = build_schedule(optimizer, arguments.optimization, total_steps)
    if "FSDP" in str(accelerator.distributed_type) and (training.ema_decay or training.keep_best):
        raise ConfigurationError(
            "`ema_decay` and `keep_best` need whole weights on every process, received them together with FSDP"
        )
    position = Position()
    average = Average(model, training.ema_decay) if training.ema_decay else None
    best = Best(task.best_by[1]) if training.keep_best and len(watched) else None
    remembered = (schedule, position, average, best)
    accelerator.register_for_checkpointing(*(each for each in remembered if each is not None))
    return Loop(
        task=task,
        parts=parts,
        model=model,
        batches=batches,
        order=order,
        watched=watched,
        optimizer=optimizer,
        schedule=schedule,
        accelerator=accelerator,
        checkpoints=RunCheckpoints(Path(arguments.output), accelerator),
        position=position,
        average=average,
        best=best,
        name_of=splits.train.name,
        arguments=training,
        total_steps=total_steps,
        quiet=arguments.quiet,
    )


def _without_copies(arguments: RunArguments, accelerator: Accelerator) -> RunArguments:
    """Arguments that keep no copy of the weights where these are divided over processes, unless they ask for one."""
    if "FSDP" not in str(accelerator.distributed_type):
        return arguments
    return replace(arguments, training=filled(arguments.training, {"keep_best": False, "ema_decay": 0.0}))


def _plain(task: Task[Any], parts: Parts, samples: Any, training: TrainingArguments) -> Any:
    collate = NumberedBatch(task.collate, parts.processor)
    return plain_loader(samples, collate, batch_size=training.batch_size or 1, workers=training.workers)


def _validation_scores(loop: Loop) -> dict[str, float]:
    """The validation row of the weights that are saved: the best one, or the last."""
    name, better = loop.task.best_by
    headline = f"validation_{name}"
    rows = [row for row in loop.position.history if headline in row]
    if not rows:
        return {}
    row = rows[-1]
    if loop.best is not None:
        choose = max if better == "higher" else min
        row = choose(rows, key=lambda row: row[headline])
    return {name.removeprefix("validation_"): score for name, score in row.items() if "validation_" in name}


def _require_samples(splits: Any, arguments: RunArguments) -> None:
    has_length = hasattr(splits.train, "__len__")
    if not has_length and arguments.training.steps is None:
        raise ConfigurationError("`steps` must be given with `streaming`: a stream has no known length")
    needs_test = arguments.data.test_fraction > 0.0 or arguments.data.test_data is not None
    if (has_length and not len(splits.train)) or (needs_test and not len(splits.test)):
        raise DataError(f"`data` must fill a training and a test part, received {_sizes(splits)}")


def _sizes(splits: Any) -> dict[str, int | str]:
    parts = {name: splits.part(name) for name in ("train", "validation", "test")}
    return {name: len(part) if hasattr(part, "__len__") else "streamed" for name, part in parts.items()}
