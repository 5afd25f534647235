"""Training, for every task: `train` puts a run together, has it trained, measures it and saves it."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from perceivers.arguments import RunArguments, TrainingArguments, as_recipe, save_arguments
from perceivers.arguments.advice import resolved
from perceivers.arguments.open import filled
from perceivers.data.draws import NumberedBatch, plain_loader, training_loader
from perceivers.errors import (
    ConfigurationError,
    DataError,
    MissingExtraError,
    PerceiversError,
    RunInterrupted,
    one_line,
)
from perceivers.freed_memory import freed_blocks_kept
from perceivers.nn.stems import learn_in_bfloat16
from perceivers.records import RESULTS_FILE, write_json, writing
from perceivers.tasks.base import Parts, Task
from perceivers.tasks.registry import as_task
from perceivers.tasks.telling import asked_for, run_in_words
from perceivers.training.beside import cheap_rival
from perceivers.training.checkpoints import Position, RunCheckpoints
from perceivers.training.compilation import UsualForm, require_compiler
from perceivers.training.evaluation import build_accelerator, collect, measure, places_of
from perceivers.training.folder import Claim, RunFolder, save_pictures, save_run
from perceivers.training.interruption import Interruption
from perceivers.training.log import RunLog
from perceivers.training.loop import Loop
from perceivers.training.optimization import build_optimizer, build_schedule
from perceivers.training.reporting import installed_versions, print_plan, print_warning, results_table
from perceivers.training.starting import freeze, start_config, take_weights
from perceivers.training.trackers import require_trackers
from perceivers.training.weights import Average, Best
from perceivers.training.workers import chosen_workers

if TYPE_CHECKING:
    from accelerate import Accelerator


def train(task: Task[Any] | str, arguments: RunArguments) -> dict[str, Any]:
    """Train a model, measure it on the test part, save everything into `arguments.output`.

    The folder receives `arguments.yaml` (resolved; a recipe by itself) when the run begins, and when it ends `config.json`,
    `model.safetensors`, the processor's settings, `history.json` and `results.json`, then `learning_curve.png` and the task's
    pictures. Checkpoints to resume from are in `checkpoints` until then. A run that replaces another (`overwrite`) is written
    inside the other's folder and takes its place when it is complete.

    Args:
        task: what to train for, or its name to train with its default arguments.
        arguments: the run.

    Returns:
        What `results.json` holds.

    Raises:
        ConfigurationError: the output folder holds another run, or a choice does not fit.
        DataError: data that are absent or cannot be read, by file and row.
        PerceiversError: a loss that is not finite, with the step and the samples; a file that cannot be written.
        RunInterrupted: Ctrl-C or SIGTERM; the run is saved as it is, and can be measured, used and resumed.
    """
    task = as_task(task)
    require_trackers(arguments.track)
    accelerator = build_accelerator(arguments.training)
    if arguments.training.compile:
        require_compiler(accelerator.device)
    with Claim(task, arguments, accelerator) as folder:
        if folder.finished is not None:
            return folder.finished
        return _train(task, arguments, folder, accelerator)


def _train(
    task: Task[Any], arguments: RunArguments, folder: RunFolder, accelerator: Accelerator
) -> dict[str, Any]:
    from accelerate.utils import set_seed

    asked = asked_for(task.asked, arguments)
    set_seed(arguments.training.seed)
    task.prepare(arguments)
    splits = task.load_data(arguments.data)
    if arguments.data.decimal == "auto":
        # Recorded, so that whoever asks the run reads numbers as it did.
        arguments = replace(arguments, data=replace(arguments.data, decimal=splits.decimal))
    _require_samples(splits, arguments)
    arguments = resolved(_without_copies(arguments, accelerator), task.advise(splits, arguments))
    training, working = arguments.training, folder.working
    _require_steps(splits, arguments)
    if accelerator.is_main_process and not arguments.quiet:
        print_plan(task.plan(splits))
    parts = task.build(splits, start_config(arguments.start))
    fresh_keys = take_weights(parts.model, arguments.start)
    freeze(parts.model, arguments.start)
    if training.gradient_checkpointing:
        parts.model.gradient_checkpointing_enable()
    if training.stem_precision == "bfloat16":
        learn_in_bfloat16(parts.model)
    interruption = Interruption(tells=accelerator.is_main_process)
    log = RunLog(
        working,
        arguments.track,
        folder.output.absolute().name,
        as_recipe(task.name, task.arguments, arguments),
        writes=accelerator.is_main_process,
    )
    loop = _build_loop(task, parts, splits, arguments, accelerator, working, interruption, log)
    if accelerator.is_main_process:
        with writing(working, "give another folder, or make room there"):
            working.mkdir(parents=True, exist_ok=True)
            save_arguments(working, task=task.name, model=task.arguments, run=arguments)
    if accelerator.is_main_process and not arguments.quiet:
        rows = run_in_words(
            sees=task.sees(),
            parameters=parts.model.num_parameters(),
            arguments=task.arguments,
            run=arguments,
            steps=loop.planned_steps,
            asked=asked,
            chooses=task.chooses,
        )
        print_plan([results_table("plan", {**task.plan_of_samples(splits), **rows})])
    if arguments.resume:
        loop.checkpoints.load()
    else:
        loop.checkpoints.remove()
    log.begin(loop.position.history)
    scores: dict[str, float] = {}
    shown: dict[str, Tensor] = {}
    with log:
        with interruption, _memory_kept(accelerator):
            has_ended = loop.run()
        final = loop.model if loop.average is None else loop.average.model
        if loop.best is not None:
            loop.best.restore(final)
        if has_ended:
            parts = task.finish(parts, lambda: collect(task, final, loop.watched, accelerator))
            if len(splits.test):
                tested = accelerator.prepare(_plain(task, parts, splits.test, training))
                scores, shown = measure(task, final, parts, tested, accelerator)
        log.add_test(scores, loop.position.step)
    results = {
        "task": task.name,
        "finished": has_ended,
        "data": arguments.data.data,
        "data_paths": places_of(arguments.data),
        "test": scores,
        "validation": _validation_scores(loop),
        "best_by": list(task.best_by),
        "samples": _sizes(splits),
        "unreadable": [*splits.unreadable, *getattr(splits.train, "unreadable", ())],
        "odd_cells": list(splits.odd_cells),
        "started_from": arguments.start.start,
        "new_weights": fresh_keys,
        "parameters": parts.model.num_parameters(),
        "trained_parameters": parts.model.num_parameters(only_trainable=True),
        "steps": loop.position.step,
        "planned_steps": loop.planned_steps,
        "seeds": {"training": training.seed, "split": arguments.data.split_seed},
        "seconds": {"training": round(loop.position.seconds, 1)},
        "processes": accelerator.num_processes,
        "device": str(accelerator.device),
        "versions": installed_versions(),
    }
    _save(task, parts, final, loop, results, folder, accelerator)
    if not has_ended:
        raise RunInterrupted(
            f"stopped at step {loop.position.step:,} of {loop.total_steps:,} and saved in {working}: it can be measured and "
            "used as it is, and the same command with --resume goes on with it",
            interruption.number or 2,
        )
    loop.checkpoints.remove()
    if accelerator.is_main_process and arguments.beside == "auto":
        _stand_beside(task, parts, splits, results, folder)
    if accelerator.is_main_process and arguments.pictures:
        parts = replace(parts, model=accelerator.unwrap_model(final))
        for line in save_pictures(folder.output, task, parts, loop.position.history, results, shown):
            print_warning(line)
    accelerator.wait_for_everyone()
    return results


def _memory_kept(accelerator: Accelerator) -> AbstractContextManager[None]:
    """On a processor, each step works in the memory of the last one."""
    return freed_blocks_kept() if accelerator.device.type == "cpu" else nullcontext()


def _stand_beside(
    task: Task[Any], parts: Parts, splits: Any, results: dict[str, Any], folder: RunFolder
) -> None:
    """Measure a cheap method on the part that the model was measured on, so that nobody fools themself."""
    part = next((name for name in ("test", "validation") if len(splits.part(name))), None)
    if part is None:
        return
    try:
        found = cheap_rival(task, parts, splits.train, splits.part(part), seed=results["seeds"]["training"])
    except MissingExtraError as error:
        print_warning(str(error))
    except (PerceiversError, ValueError, ArithmeticError, MemoryError, OSError) as error:
        # What rows can do to a method, and what a machine can: the run is saved. All else is a fault of ours, and is seen.
        print_warning(f"no comparison with a simple method: {one_line(error)}")
    else:
        if found is not None:
            results["beside"] = {"part": part, **found}
            with writing(folder.output, "all else is saved"):
                write_json(folder.output / RESULTS_FILE, results)


def _save(
    task: Task[Any],
    parts: Parts,
    final: nn.Module,
    loop: Loop,
    results: dict[str, Any],
    folder: RunFolder,
    accelerator: Accelerator,
) -> None:
    """Save weights and results, and have the run take the place that it is meant for."""
    weights = accelerator.get_state_dict(final)
    if accelerator.is_main_process:
        parts = replace(parts, model=accelerator.unwrap_model(final))
        save_run(folder.working, parts, weights, loop.position.history, results)
        if results["finished"]:
            folder.complete()
    accelerator.wait_for_everyone()


def _build_loop(
    task: Task[Any],
    parts: Parts,
    splits: Any,
    arguments: RunArguments,
    accelerator: Accelerator,
    working: Path,
    interruption: Interruption,
    log: RunLog,
) -> Loop:
    """Build the optimiser and what else a run needs, and have accelerate prepare it."""
    training = arguments.training
    workers = chosen_workers(training.workers, splits.train, task.vary)
    loader, order = training_loader(
        splits.train,
        task.vary,
        NumberedBatch(task.collate, parts.processor),
        batch_size=training.batch_size or 1,
        seed=training.seed,
        workers=workers,
    )
    optimizer = build_optimizer(parts.model, arguments.optimization)
    model, optimizer, batches, watched = accelerator.prepare(
        parts.model, optimizer, loader, _plain(task, parts, splits.validation, training)
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
    best = Best(task.best_by[1]) if training.keep_best and len(watched) else None
    form = UsualForm(model, accelerator) if training.compile else None
    remembered = (schedule, position, average, best, form)
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
    )


def _without_copies(arguments: RunArguments, accelerator: Accelerator) -> RunArguments:
    """Arguments that keep no copy of the weights where these are divided over processes, unless they ask for one."""
    if "FSDP" not in str(accelerator.distributed_type):
        return arguments
    return replace(arguments, training=filled(arguments.training, {"keep_best": False, "ema_decay": 0.0}))


def _plain(task: Task[Any], parts: Parts, samples: Any, training: TrainingArguments) -> Any:
    collate = NumberedBatch(task.collate, parts.processor)
    workers = chosen_workers(training.workers, samples)
    return plain_loader(samples, collate, batch_size=training.batch_size or 1, workers=workers)


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


def _require_steps(splits: Any, arguments: RunArguments) -> None:
    if not hasattr(splits.train, "__len__") and arguments.training.steps is None:
        raise ConfigurationError("`steps` must be given with `streaming`: a stream has no known length")


def _require_samples(splits: Any, arguments: RunArguments) -> None:
    has_length = hasattr(splits.train, "__len__")
    needs_test = arguments.data.test_fraction > 0.0 or arguments.data.test_data is not None
    if (has_length and not len(splits.train)) or (needs_test and not len(splits.test)):
        sizes = ", ".join(f"{part} {size}" for part, size in _sizes(splits).items())
        if splits.unreadable and not len(splits.train):
            raise DataError(
                f"`data` must fill a training and a test part, received {sizes} rows: {len(splits.unreadable):,} cannot be "
                f"read, the first because {splits.unreadable[0]}"
            )
        raise DataError(
            f"`data` must fill a training and a test part, received {sizes} rows: of a class, or a group, that has a "
            "single row none is held out; give more rows, or a test part of its own with --test-data"
        )


def _sizes(splits: Any) -> dict[str, int | str]:
    parts = {name: splits.part(name) for name in ("train", "validation", "test")}
    return {name: len(part) if hasattr(part, "__len__") else "streamed" for name, part in parts.items()}
