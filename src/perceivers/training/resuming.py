"""What a run that is resumed may have otherwise than it began, and what of it stays where nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from perceivers.arguments import ARGUMENTS_FILE, RunArguments, read_recipe, recipe_text
from perceivers.arguments.open import AUTO
from perceivers.errors import ConfigurationError
from perceivers.records import RESULTS_FILE
from perceivers.tasks.base import Task
from perceivers.training.folds import divisions_ended

# Changes no result.
FREE = {
    *(("training", name) for name in ("workers", "device", "checkpoint_every")),
    *(("data", name) for name in ("keep_megabytes", "keep_gigabytes", "keep_folder")),
}
TIME_LIMIT = ("training", "time_limit")

Arguments = TypeVar("Arguments")


def going_on(given: RunArguments, folder: Path) -> RunArguments:
    """The arguments with what a run to resume has recorded of loop and optimiser in the place of what is open.

    Args:
        given: as the user gave them.
        folder: of the run.
    """
    if not given.resume or not (folder / ARGUMENTS_FILE).exists():
        return given
    former = read_recipe(folder / ARGUMENTS_FILE)
    return replace(
        given,
        training=_filled("training", given.training, former),
        optimization=_filled("optimization", given.optimization, former),
    )


def require_same(
    folder: Path, output: Path, task: Task[Any], arguments: RunArguments, *, has_ended: bool
) -> None:
    """Raise ConfigurationError where a run that is to be resumed was begun with other arguments.

    Another limit of time is none: the number of steps is found anew, and the learning rate laid over it. But divisions of the
    samples are compared with each other, so that all of them must have been trained within one limit.

    Args:
        folder: where the run is written.
        output: what the user named.
        task: what is trained for.
        arguments: of the user.
        has_ended: whether the run has.
    """
    former = read_recipe(folder / ARGUMENTS_FILE)
    changed = _differences(former, task, arguments)
    count = former.get("training", {}).get("folds") or 0
    ended = divisions_ended(folder)
    is_between = 0 < ended < count
    if not has_ended and not is_between:
        changed.pop(TIME_LIMIT, None)
    if not changed:
        return
    message = (
        f"`resume` needs the arguments of the run in {str(folder)!r}, received other ones: "
        f"{'; '.join(changed.values())}"
    )
    weights = f"begin a new run with its weights: --start {folder} --output ANOTHER, without --resume"
    if has_ended:
        raise ConfigurationError(f"{message}. That run has ended; to train its model further, {weights}")
    within = " within the present --time-limit"
    if is_between and TIME_LIMIT in changed:
        message += f". {ended} of its {count} divisions have been trained, and are compared with the others"
    else:
        within = "" if is_between else ", within another --time-limit if one is given,"
    message += (
        f". It goes on{within} with --config {folder / ARGUMENTS_FILE} --output {output} --resume; or "
        + (weights if (folder / RESULTS_FILE).is_file() else "begin anew, with --overwrite")
    )
    raise ConfigurationError(message)


def _differences(
    former: Mapping[str, Any], task: Task[Any], arguments: RunArguments
) -> dict[tuple[str, str], str]:
    """Where a run's record and the present arguments differ, in words, by concern and name."""
    import yaml

    present = yaml.safe_load(recipe_text(task.name, task.arguments, arguments))
    if former["task"] != present["task"]:
        return {("task", ""): f"task {former['task']} is now {present['task']}"}
    return {
        (concern, name): f"{name} {former.get(concern, {}).get(name)!r} is now {value!r}"
        for concern, values in present.items()
        if concern != "task"
        for name, value in values.items()
        # What is recorded stays where nothing is chosen now.
        if value not in (None, AUTO)
        and (concern, name) not in FREE
        and former.get(concern, {}).get(name) != value
    }


def _filled(concern: str, given: Arguments, former: Mapping[str, Any]) -> Arguments:
    recorded = former.get(concern, {})
    open_ = {
        entry.name: recorded[entry.name]
        for entry in fields(given)  # type: ignore[arg-type]
        if getattr(given, entry.name) is None
        and (concern, entry.name) not in FREE
        and recorded.get(entry.name) is not None
    }
    return replace(given, **open_)  # type: ignore[type-var]
