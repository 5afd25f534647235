"""The tasks by name; a task's own file is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.arguments import RunArguments, from_mapping, load_arguments
from perceivers.errors import ConfigurationError

if TYPE_CHECKING:
    from perceivers.tasks.base import Parts, Task


@dataclass(frozen=True)
class TaskEntry:
    """Where a task is and what the list of tasks says about it.

    Args:
        location: "module:class".
        input: what a sample is.
        output: what the model answers.
        metrics: what is reported.
    """

    location: str
    input: str
    output: str
    metrics: str


TASKS: Mapping[str, TaskEntry] = {
    "image-classification": TaskEntry(
        location="perceivers.tasks.image_classification:ImageClassification",
        input="pictures of any size, grey or colour, one folder per class",
        output="one class",
        metrics="top-1 and top-5 accuracy, loss",
    ),
}


def task_class(name: str) -> type[Task[Any]]:
    """Import and give the class of the task called `name`."""
    if name not in TASKS:
        raise ConfigurationError(f"`task` must be one of {', '.join(TASKS)}, received {name!r}")
    module, attribute = TASKS[name].location.split(":")
    found: type[Task[Any]] = getattr(import_module(module), attribute)
    return found


def load_run(folder: Path) -> tuple[Task[Any], Parts, RunArguments]:
    """Load what a training run left in `folder`: the task, model and processor, the run's arguments."""
    name, values, run = load_arguments(folder)
    found = task_class(name)
    task = found(from_mapping(found.arguments_class, values))
    return task, task.restore(folder), run
