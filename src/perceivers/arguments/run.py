"""One training run: its arguments by concern, and the file that records them.

The record and a recipe are the same file: `task`, then one mapping a concern. A recipe may have `output`, too.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from perceivers.arguments.base import from_mapping, require_named
from perceivers.arguments.data import DataArguments
from perceivers.arguments.optimization import OptimizationArguments
from perceivers.arguments.start import StartArguments
from perceivers.arguments.training import TrainingArguments
from perceivers.arguments.yaml_files import read_yaml
from perceivers.errors import ConfigurationError, DataError

ARGUMENTS_FILE = "arguments.yaml"
TRACKERS = ("tensorboard", "wandb", "mlflow", "csv")
CONCERNS = ("data", "model", "start", "training", "optimization")


@dataclass(frozen=True, kw_only=True)
class RunArguments:
    """One training run, without what only its task knows."""

    output: str
    """Folder that receives the run."""
    data: DataArguments
    """Samples."""
    start: StartArguments = field(default_factory=StartArguments)
    """Checkpoint to start from."""
    training: TrainingArguments = field(default_factory=TrainingArguments)
    """Loop."""
    optimization: OptimizationArguments = field(default_factory=OptimizationArguments)
    """Optimiser and learning rate."""
    overwrite: bool = False
    """Replace the run that `output` already holds."""
    resume: bool = False
    """Go on with the run that `output` holds, from its last checkpoint; start it where there is none."""
    pictures: bool = True
    """Draw the learning curve and what measures have a picture."""
    beside: Literal["auto", "none"] = "none"
    """What the result stands beside at the end: `auto` a trivial answer (such as the majority, or no motion) and a cheap
    method that fits the inputs, which takes seconds (the default of `perceivers train`); `none` nothing."""
    track: tuple[Literal["tensorboard", "wandb", "mlflow", "csv"], ...] = ()
    """What the history is told to while the run goes on, beside `history.jsonl` in its folder."""
    quiet: bool = False
    """Print neither what is made of the data nor the progress."""

    def __post_init__(self) -> None:
        require_named(self, "output")


def recipe_text(task: str, model: object, run: RunArguments, *, with_output: bool = False) -> str:
    """The arguments as the YAML text of a recipe, every field resolved; without the flags, and `output` only where wanted."""
    import yaml

    recipe = {**as_recipe(task, model, run), **({"output": run.output} if with_output else {})}
    text: str = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    return text


def as_recipe(task: str, model: object, run: RunArguments) -> dict[str, Any]:
    """The arguments as a recipe holds them: the task's name, then one mapping from field to value a concern."""
    if not dataclasses.is_dataclass(model) or isinstance(model, type):
        raise ConfigurationError(f"`model` must be an instance of a dataclass, received {model!r}")
    concerns = {name: model if name == "model" else getattr(run, name) for name in CONCERNS}
    return {"task": task, **{name: _plain(dataclasses.asdict(value)) for name, value in concerns.items()}}


def save_arguments(folder: Path, *, task: str, model: object, run: RunArguments) -> None:
    """Write the resolved arguments of a run as `arguments.yaml`, whole or not at all."""
    text = recipe_text(task, model, run)
    partial = folder / f".{ARGUMENTS_FILE}.partial"
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, folder / ARGUMENTS_FILE)


def load_arguments(folder: Path) -> tuple[str, dict[str, Any], RunArguments]:
    """Read `arguments.yaml` of a run: the task's name, its own arguments as a mapping, and the run's."""
    path = folder / ARGUMENTS_FILE
    if not path.is_file():
        raise DataError(
            f"`folder` must be a training run with a file {ARGUMENTS_FILE}, received {str(folder)!r} without one; "
            "`perceivers train` writes such folders"
        )
    recipe = read_recipe(path)
    # Runs of earlier versions read numbers so, where they have no record of it; a run never has to find it out again.
    recipe["data"].setdefault("decimal", "point")
    try:
        return recipe["task"], recipe["model"], run_from_recipe(recipe, output=str(folder))
    except ConfigurationError as error:
        raise DataError(f"{str(path)!r} is not a record that `perceivers train` wrote: {error}") from error


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe: a YAML file with `task` and any of the concerns, each a mapping from field to value, and `output`.

    Raises:
        DataError: the file is absent, no YAML, or has other keys; the message names it.
    """
    if not path.is_file():
        raise DataError(f"`config` must be a YAML file, received {str(path)!r}, which does not exist")
    recipe = read_yaml(path)
    if not isinstance(recipe, dict) or not isinstance(recipe.get("task"), str):
        raise DataError(f"{str(path)!r} must hold a mapping with the key `task`, received {recipe!r:.200}")
    unknown = sorted(map(str, set(recipe) - {"task", "output", *CONCERNS}))
    if unknown:
        raise DataError(
            f"{str(path)!r} must hold only task, output, {', '.join(CONCERNS)}, received {', '.join(unknown)}"
        )
    if "output" in recipe and not (isinstance(recipe["output"], str) and recipe["output"]):
        raise DataError(f"`output` of {str(path)!r} must be a folder, received {recipe['output']!r:.200}")
    for name in CONCERNS:
        if not isinstance(recipe.setdefault(name, {}), Mapping):
            raise DataError(f"`{name}` of {str(path)!r} must be a mapping, received {recipe[name]!r}")
    # Where records of earlier versions have it.
    group_column = recipe["model"].pop("group_column", None)
    if group_column is not None:
        recipe["data"].setdefault("group_column", group_column)
    return recipe


def run_from_recipe(recipe: Mapping[str, Any], **flags: Any) -> RunArguments:
    """Build a run's arguments from what `read_recipe` gave; `flags` are `output`, `overwrite`, `resume`."""
    return RunArguments(
        data=from_mapping(DataArguments, recipe["data"]),
        start=from_mapping(StartArguments, recipe["start"]),
        training=from_mapping(TrainingArguments, recipe["training"]),
        optimization=from_mapping(OptimizationArguments, recipe["optimization"]),
        **flags,
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
