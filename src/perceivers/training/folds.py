"""How long to train, found by training on divisions of the samples; then all of them are learned from for so long."""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from perceivers.arguments import RunArguments, TrainingArguments
from perceivers.data.splits import Splits
from perceivers.errors import CheckpointError, ConfigurationError
from perceivers.records import whole_file, writing
from perceivers.tasks.base import Task
from perceivers.training.evaluation import like
from perceivers.training.interruption import Interruption
from perceivers.training.log import RunLog
from perceivers.training.looks import Length, Looks, best_length
from perceivers.training.reporting import Told
from perceivers.training.stages import Stage, build_loop, build_parts, limited

if TYPE_CHECKING:
    from accelerate import Accelerator

FOLDER = "folds"
# Minutes: a shorter limit of time is spent on one run.
LEAST_LIMIT = 5.0


def with_folds(
    asked: RunArguments, chosen: RunArguments, task: Task[Any], splits: Splits, num_processes: int
) -> RunArguments:
    """The run with the number of divisions that it really has.

    What was chosen from the data holds where nothing stands against it: the user said neither how long to train nor which
    weights to keep, and samples can be divided.

    Args:
        asked: as the user gave it.
        chosen: with what was chosen from the data.
        task: of the run.
        splits: its samples.
        num_processes: that train together.

    Raises:
        ConfigurationError: the user asked for divisions, and there can be none.
    """
    folds = chosen.training.folds
    if not folds:
        return chosen
    reason = _against(chosen, task, splits, num_processes)
    if asked.training.folds and reason:
        raise ConfigurationError(f"`folds` {folds} {reason}; --folds 0 divides nothing")
    given = asked.training
    limit = LEAST_LIMIT if given.time_limit is None else given.time_limit
    is_open = (
        given.epochs is None and given.steps is None and given.keep_best is None and limit >= LEAST_LIMIT
    )
    if reason or not (asked.training.folds or is_open):
        return replace(chosen, training=replace(chosen.training, folds=0))
    return chosen


def _against(chosen: RunArguments, task: Task[Any], splits: Splits, num_processes: int) -> str:
    """Why samples cannot be divided several times; "" where they can."""
    if not task.folds(splits, chosen.training.folds or 1, chosen.data):
        return (
            "needs rows of one table, of which some are held out to validate: neither a stream, nor `validation_data`, nor a "
            "`validation_fraction` of 0"
        )
    if chosen.training.steps is not None or chosen.training.watch_every is not None:
        return "counts passes: give `epochs` in place of `steps`, and no `watch_every`"
    if num_processes > 1:
        return f"needs a single process, received {num_processes}"
    return ""


@dataclass(frozen=True)
class Folds:
    """Runs on divisions of the samples, one after the other; what each has found lies in a file of its own until the end.

    Args:
        task: of the run.
        splits: as they were loaded.
        arguments: complete.
        working: where the run is written.
        accelerator: of the run on all samples, which is not touched.
        interruption: whether somebody wants the run to end.
    """

    task: Task[Any]
    splits: Splits
    arguments: RunArguments
    working: Path
    accelerator: Accelerator
    interruption: Interruption

    @property
    def _folder(self) -> Path:
        return self.working / FOLDER

    def remove(self) -> None:
        """Remove what was found."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def length(self) -> Length | Stage:
        """How long to train; or the training that somebody has stopped, which goes on from there another time.

        Raises:
            CheckpointError: what an earlier session has found cannot be read.
        """
        divisions = self.task.folds(self.splits, self.arguments.training.folds or 1, self.arguments.data)
        found: list[Looks] = []
        for number, splits in enumerate(divisions):
            path = self._folder / f"{number}.pt"
            if path.is_file():
                found.append(_read(path))
                continue
            looks = Looks()
            runs = len(divisions) - number + 1
            spent = sum(each.seconds for each in found)
            training = limited(self.arguments.training, spent, runs)
            stage = self._stage(number, len(divisions), splits, looks, training, runs)
            stage.loop.checkpoints.load()
            if not stage.loop.run():
                return stage
            looks.seconds = stage.loop.position.seconds
            with writing(path, "make room there, then --resume"), whole_file(path) as partial:
                torch.save(looks.state_dict(), partial)
            stage.loop.checkpoints.remove()
            found.append(looks)
        return best_length(found, self.task.best_by if self.arguments.training.keep_best else None)

    def _stage(
        self,
        number: int,
        count: int,
        splits: Splits,
        looks: Looks,
        training: TrainingArguments,
        runs: int,
    ) -> Stage:
        from accelerate.utils import set_seed

        # A task knows the columns of the model that it built last.
        task, arguments = copy.copy(self.task), replace(self.arguments, training=training)
        # Whether or not an earlier session has trained the divisions before it.
        set_seed(training.seed)
        parts, _ = build_parts(task, splits, arguments)
        folder = self._folder / str(number)
        title = "first run, step" if count == 1 else f"division {number + 1} of {count}, step"
        loop = build_loop(
            task,
            parts,
            splits,
            arguments,
            like(self.accelerator),
            folder,
            self.interruption,
            RunLog(folder, (), "", {}, writes=False),
            looks,
            Told(title, lines=1, runs_to_come=0 if number else runs),
        )
        return Stage(task, parts, loop)


def divisions_ended(working: Path) -> int:
    """Number of divisions whose training has ended, of a run that is not complete."""
    return len(list((working / FOLDER).glob("*.pt")))


def _read(path: Path) -> Looks:
    looks = Looks()
    try:
        looks.load_state_dict(torch.load(path, weights_only=True))
    except Exception as error:  # whatever the reader raises
        raise CheckpointError(f"`{path}` cannot be read: {error}; remove it, then --resume") from error
    return looks
