"""What a run is to be: its samples are loaded, and what was left open is chosen from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from perceivers.arguments import RunArguments
from perceivers.arguments.advice import resolved
from perceivers.arguments.open import filled
from perceivers.data.folds import whole
from perceivers.data.splits import Splits
from perceivers.errors import ConfigurationError, DataError
from perceivers.tasks.base import Task
from perceivers.tasks.missing_columns import naming_arguments
from perceivers.training.folds import with_folds
from perceivers.training.starting import take_sizes

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Decided:
    """Samples, and the arguments with nothing left open.

    Args:
        arguments: complete; a recipe.
        splits: as they were loaded.
        learned: as the last training of the run has them: with the validation samples among those to learn from, where the
            run divides its samples.
    """

    arguments: RunArguments
    splits: Splits
    learned: Splits


def decide(task: Task[Any], given: RunArguments, accelerator: Accelerator) -> Decided:
    """Load samples, and choose from them what is not given; the task takes what is chosen for itself.

    Raises:
        ConfigurationError: a choice does not fit.
        DataError: data that are absent or cannot be read, or too few of them.
    """
    task.prepare(given)
    take_sizes(task, given.start)
    with naming_arguments(task.arguments, given.data):
        splits = task.load_data(given.data)
    arguments = given
    if given.data.decimal == "auto":
        # Recorded, so that whoever asks the run reads numbers as it did.
        arguments = replace(given, data=replace(given.data, decimal=splits.decimal))
    _require_samples(splits, arguments)
    arguments = resolved(_without_copies(arguments, accelerator), task.advise(splits, arguments))
    arguments = with_folds(given, arguments, task, splits, accelerator.num_processes)
    _require_steps(splits, arguments)
    _require_validation(splits, arguments)
    return Decided(arguments, splits, whole(splits) if arguments.training.folds else splits)


def sizes(splits: Any) -> dict[str, int | str]:
    """Samples of each part; "streamed" where nobody knows."""
    parts = {name: splits.part(name) for name in ("train", "validation", "test")}
    return {name: len(part) if hasattr(part, "__len__") else "streamed" for name, part in parts.items()}


def _without_copies(arguments: RunArguments, accelerator: Accelerator) -> RunArguments:
    """Arguments that keep no copy of the weights where these are divided over processes, unless they ask for one."""
    if "FSDP" not in str(accelerator.distributed_type):
        return arguments
    return replace(arguments, training=filled(arguments.training, {"keep_best": False, "ema_decay": 0.0}))


def _require_steps(splits: Any, arguments: RunArguments) -> None:
    if not hasattr(splits.train, "__len__") and arguments.training.steps is None:
        raise ConfigurationError("`steps` must be given with `streaming`: a stream has no known length")


def _require_validation(splits: Any, arguments: RunArguments) -> None:
    validation = splits.part("validation")
    if arguments.training.patience is not None and hasattr(validation, "__len__") and not len(validation):
        raise ConfigurationError(
            "`patience` waits for better looks at a validation part, received none: give --validation-fraction, or leave "
            "--patience out"
        )


def _require_samples(splits: Any, arguments: RunArguments) -> None:
    has_length = hasattr(splits.train, "__len__")
    needs_test = arguments.data.test_fraction > 0.0 or arguments.data.test_data is not None
    if (has_length and not len(splits.train)) or (needs_test and not len(splits.test)):
        received = ", ".join(f"{part} {size}" for part, size in sizes(splits).items())
        if splits.unreadable and not len(splits.train):
            raise DataError(
                f"`data` must fill a training and a test part, received {received} rows: {len(splits.unreadable):,} cannot "
                f"be read, the first because {splits.unreadable[0]}"
            )
        raise DataError(
            f"`data` must fill a training and a test part, received {received} rows: of a class, or a group, that has a "
            "single row none is held out; give more rows, or a test part of its own with --test-data"
        )
