"""Training, for every task: `train` puts a run together, has it trained, measures it and saves it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from perceivers.arguments import RunArguments, as_recipe, save_arguments
from perceivers.data.splits import Splits
from perceivers.errors import (
    MissingExtraError,
    PerceiversError,
    RunInterrupted,
    one_line,
)
from perceivers.freed_memory import freed_blocks_kept
from perceivers.records import RESULTS_FILE, write_json, writing
from perceivers.tasks.base import Task
from perceivers.tasks.registry import as_task
from perceivers.tasks.telling import asked_for, run_in_words
from perceivers.training.beside import cheap_rival
from perceivers.training.compilation import require_compiler
from perceivers.training.decisions import decide
from perceivers.training.evaluation import build_accelerator, collect, measure
from perceivers.training.folder import Claim, RunFolder, save_pictures, save_run
from perceivers.training.folds import Folds
from perceivers.training.interruption import Interruption
from perceivers.training.log import RunLog
from perceivers.training.looks import Length
from perceivers.training.reporting import print_plan, results_table
from perceivers.training.results import results_of
from perceivers.training.resuming import going_on
from perceivers.training.stages import Stage, build_loop, build_parts, plain_batches
from perceivers.training.trackers import require_trackers
from perceivers.warned import print_warning

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
    task: Task[Any], given: RunArguments, folder: RunFolder, accelerator: Accelerator
) -> dict[str, Any]:
    from accelerate.utils import set_seed

    set_seed(given.training.seed)
    asked = asked_for(task.asked, given)
    decided = decide(task, going_on(given, folder.working), accelerator)
    arguments, learned = decided.arguments, decided.learned
    is_told = accelerator.is_main_process and not arguments.quiet
    if is_told:
        print_plan(task.plan(decided.splits))
    parts, fresh_keys = build_parts(task, learned, arguments)
    interruption = Interruption(tells=accelerator.is_main_process)
    log = RunLog(
        folder.working,
        arguments.track,
        folder.output.absolute().name,
        as_recipe(task.name, task.arguments, arguments),
        writes=accelerator.is_main_process,
    )
    loop = build_loop(task, parts, learned, arguments, accelerator, folder.working, interruption, log)
    stage = Stage(task, parts, loop)
    if accelerator.is_main_process:
        with writing(folder.working, "give another folder, or make room there"):
            folder.working.mkdir(parents=True, exist_ok=True)
            save_arguments(folder.working, task=task.name, model=task.arguments, run=arguments)
    if is_told:
        _tell_plan(stage, learned, arguments, asked)
    folds = Folds(task, decided.splits, arguments, folder.working, accelerator, interruption)
    if arguments.resume:
        loop.checkpoints.load()
    else:
        loop.checkpoints.remove()
        folds.remove()
    log.begin(loop.position.history)
    scores: dict[str, float] = {}
    shown: dict[str, Tensor] = {}
    with log:
        with interruption, _memory_kept(accelerator):
            length = folds.length() if arguments.training.folds else None
            stage = stage.of(length)
            has_ended = not isinstance(length, Stage) and stage.loop.run()
        if stage.loop.best is not None:
            stage.loop.best.restore(stage.final)
        if has_ended:
            stage = _finished(stage, length, accelerator)
            if len(learned.test):
                scores, shown = _tested(stage, learned, arguments, accelerator)
        log.add_test(scores, stage.loop.position.step)
    results = results_of(
        decided,
        stage,
        length,
        has_ended=has_ended,
        planned_steps=loop.planned_steps,
        fresh_keys=fresh_keys,
        scores=scores,
        accelerator=accelerator,
    )
    _save(stage, results, folder, accelerator)
    if not has_ended:
        raise RunInterrupted(
            f"stopped at {stage.loop.told.title} {stage.loop.position.step:,} of {stage.loop.last_step:,} and saved in "
            f"{folder.working}: it can be measured and used as it is, and the same command with --resume goes on with it",
            interruption.number or 2,
        )
    loop.checkpoints.remove()
    folds.remove()
    if accelerator.is_main_process and arguments.beside == "auto":
        _stand_beside(stage, learned, results, folder)
    if accelerator.is_main_process and arguments.pictures:
        drawn = replace(stage.parts, model=accelerator.unwrap_model(stage.final))
        for line in save_pictures(folder.output, task, drawn, stage.loop.position.history, results, shown):
            print_warning(line)
    accelerator.wait_for_everyone()
    return results


def _tell_plan(stage: Stage, learned: Splits, arguments: RunArguments, asked: Mapping[str, Any]) -> None:
    """Print samples, network and loop."""
    task = stage.task
    rows = run_in_words(
        sees=task.sees(),
        parameters=stage.parts.model.num_parameters(),
        arguments=task.arguments,
        run=arguments,
        steps=stage.loop.planned_steps,
        asked=asked,
        chooses=task.chooses,
    )
    print_plan([results_table("plan", {**task.plan_of_samples(learned), **rows})])


def _finished(stage: Stage, length: Length | Stage | None, accelerator: Accelerator) -> Stage:
    """The stage with answers that are corrected by what was measured of samples that its model, or its like, had not seen."""

    def measured() -> Mapping[str, Tensor]:
        if isinstance(length, Length):
            return length.measured
        return collect(stage.task, stage.final, stage.loop.watched, accelerator)

    return replace(stage, parts=stage.task.finish(stage.parts, measured))


def _tested(
    stage: Stage, learned: Splits, arguments: RunArguments, accelerator: Accelerator
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Scores of the test part, and what pictures of the answers are drawn from."""
    tested = plain_batches(stage.task, stage.parts, learned.test, arguments.training)
    return measure(stage.task, stage.final, stage.parts, accelerator.prepare(tested), accelerator)


def _memory_kept(accelerator: Accelerator) -> AbstractContextManager[None]:
    """On a processor, each step works in the memory of the last one."""
    return freed_blocks_kept() if accelerator.device.type == "cpu" else nullcontext()


def _stand_beside(stage: Stage, splits: Any, results: dict[str, Any], folder: RunFolder) -> None:
    """Measure a cheap method on the part that the model was measured on, so that nobody fools themself."""
    part = next((name for name in ("test", "validation") if len(splits.part(name))), None)
    if part is None:
        return
    try:
        seed = results["seeds"]["training"]
        found = cheap_rival(stage.task, stage.parts, splits.train, splits.part(part), seed=seed)
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


def _save(stage: Stage, results: dict[str, Any], folder: RunFolder, accelerator: Accelerator) -> None:
    """Save weights and results, and have the run take the place that it is meant for."""
    weights = accelerator.get_state_dict(stage.final)
    if accelerator.is_main_process:
        parts = replace(stage.parts, model=accelerator.unwrap_model(stage.final))
        save_run(folder.working, parts, weights, stage.loop.position.history, results)
        if results["finished"]:
            folder.complete()
    accelerator.wait_for_everyone()
