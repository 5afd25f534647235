"""What trains once: a model for some samples, and the loop with all that accelerate has prepared for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from perceivers.arguments import RunArguments, TrainingArguments
from perceivers.data.draws import NumberedBatch, plain_loader, training_loader
from perceivers.data.splits import Splits
from perceivers.errors import ConfigurationError
from perceivers.nn.stems import learn_in_bfloat16
from perceivers.tasks.base import Parts, Task
from perceivers.training.checkpoints import Position, RunCheckpoints
from perceivers.training.compilation import UsualForm
from perceivers.training.interruption import Interruption
from perceivers.training.log import RunLog
from perceivers.training.looks import Length, Looks
from perceivers.training.loop import Loop
from perceivers.training.optimization import build_optimizer, build_schedule
from perceivers.training.reporting import USUALLY_TOLD, Told
from perceivers.training.starting import freeze, start_config, take_weights
from perceivers.training.weights import Average, Best
from perceivers.training.workers import chosen_workers

if TYPE_CHECKING:
    from accelerate import Accelerator

# Of a limit of time that is used up, what is left for the run itself.
LEAST_MINUTES = 0.01


@dataclass(frozen=True)
class Stage:
    """One training of a model: of a run there is one, or one a division of its samples and one on all of them.

    Args:
        task: that built the model.
        parts: model and processor.
        loop: that trains it.
    """

    task: Task[Any]
    parts: Parts
    loop: Loop

    @property
    def final(self) -> nn.Module:
        """The model that is measured and saved."""
        return self.loop.model if self.loop.average is None else self.loop.average.model

    def of(self, length: Length | Stage | None) -> Stage:
        """This stage of the length that divisions have found; or the one that was stopped before they had.

        Args:
            length: None trains to the end.
        """
        if isinstance(length, Stage):
            return length
        if length is None:
            return self
        loop = replace(
            self.loop,
            share=length.share,
            expected=length.scores,
            arguments=limited(self.loop.arguments, length.seconds, 1),
            told=Told("all samples, step", runs_to_come=0),
        )
        return replace(self, loop=loop)


def limited(training: TrainingArguments, seconds: float, runs: int) -> TrainingArguments:
    """A loop's arguments with the share of the limit of time that each of the runs to come has, if there is one.

    Args:
        training: with the limit of all runs.
        seconds: that earlier runs took.
        runs: to come, at least 1.
    """
    if training.time_limit is None:
        return training
    return replace(training, time_limit=max(training.time_limit - seconds / 60.0, LEAST_MINUTES) / runs)


def build_parts(task: Task[Any], splits: Splits, arguments: RunArguments) -> tuple[Parts, list[str]]:
    """A new model for the training samples, perhaps with a checkpoint's weights, and the keys that this did not fill."""
    training = arguments.training
    parts = task.build(splits, start_config(arguments.start, task.arguments))
    fresh_keys = take_weights(parts.model, arguments.start)
    freeze(parts.model, arguments.start)
    if training.gradient_checkpointing:
        parts.model.gradient_checkpointing_enable()
    if training.stem_precision == "bfloat16":
        learn_in_bfloat16(parts.model)
    return parts, fresh_keys


def build_loop(
    task: Task[Any],
    parts: Parts,
    splits: Any,
    arguments: RunArguments,
    accelerator: Accelerator,
    working: Path,
    interruption: Interruption,
    log: RunLog,
    looks: Looks | None = None,
    told: Told = USUALLY_TOLD,
) -> Loop:
    """Build the optimiser and what else a run needs, and have accelerate prepare it.

    Args:
        task: that built the model.
        parts: model and processor.
        splits: samples to learn from, and those to watch.
        arguments: complete.
        accelerator: of this loop alone.
        working: folder that holds the folder of checkpoints.
        interruption: see Loop.
        log: the same.
        looks: the same.
        told: the same.
    """
    training = arguments.training
    vary = task.vary if task.varies else None
    workers = chosen_workers(training.workers, splits.train, vary)
    loader, order = training_loader(
        splits.train,
        vary,
        NumberedBatch(task.collate, parts.processor),
        batch_size=training.batch_size or 1,
        seed=training.seed,
        workers=workers,
    )
    optimizer = build_optimizer(parts.model, arguments.optimization)
    model, optimizer, batches, watched = accelerator.prepare(
        parts.model, optimizer, loader, plain_batches(task, parts, splits.validation, training)
    )
    total_steps = training.steps or (training.epochs or 1) * math.ceil(
        len(batches) / training.gradient_accumulation_steps
    )
    position = Position()
    schedule = build_schedule(
        optimizer, arguments.optimization, total_steps, lambda: position.total_steps or total_steps
    )
    if "FSDP" in str(accelerator.distributed_type) and (training.ema_decay or training.keep_best):
        raise ConfigurationError(
            "`ema_decay` and `keep_best` need whole weights on every process, received them together with FSDP"
        )
    average = Average(model, training.ema_decay) if training.ema_decay else None
    best = Best(task.best_by[1]) if training.keep_best and len(watched) and looks is None else None
    form = UsualForm(model, accelerator) if training.compile else None
    remembered = (schedule, position, average, best, form, looks)
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
        checkpoints=RunCheckpoints(working, accelerator),
        position=position,
        average=average,
        best=best,
        form=form,
        name_of=splits.train.name,
        arguments=training,
        planned_steps=total_steps,
        interruption=interruption,
        log=log,
        quiet=arguments.quiet,
        knows_something=arguments.start.start is not None or getattr(task.arguments, "linear_start", False),
        looks=looks,
        told=told,
    )


def plain_batches(task: Task[Any], parts: Parts, samples: Any, training: TrainingArguments) -> Any:
    """A loader of samples as they are, in order."""
    collate = NumberedBatch(task.collate, parts.processor)
    workers = chosen_workers(training.workers, samples)
    return plain_loader(samples, collate, batch_size=training.batch_size or 1, workers=workers)
