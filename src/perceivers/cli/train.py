"""`perceivers train TASK`: one subcommand a task, its options taken from the argument dataclasses.

`perceivers train --config recipe.yaml` reads the options, and the task, from a recipe; options on the command line go first.
"""

# No `from __future__ import annotations` here: each task's command has its own dataclass in its signature.

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter
from cyclopts.config import Dict

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
    read_recipe,
    recipe_text,
)
from perceivers.arguments.advice import USUAL, resolved
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import USUAL_SIZE
from perceivers.arguments.run import CONCERNS
from perceivers.cli.options import as_given, grouped, set_back
from perceivers.data.words import counted
from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.records import RESULTS_FILE
from perceivers.tasks.registry import TASKS, arguments_class

# `--target price sold` is `--target price --target sold`; no `--empty-target` and the like.
app = App(
    name="train",
    default_parameter=Parameter(consume_multiple=True, negative_iterable=""),
    suppress_keyboard_interrupt=False,
)

# That an option of a recipe may have: reading so many takes half a second, and ten times as many a hundred times as long.
MOST_VALUES = 1_000

MAIN = Group("What matters most", sort_key=1)
SAMPLES = Group("Samples: reading, what the model sees, augmentation, answers", sort_key=2)
DATA = Group("Data: parts and division", sort_key=3)
NETWORK = Group("Network", sort_key=4)
TRAINING = Group("Training: loop, optimiser, learning rate", sort_key=5)
RUN = Group("Run", sort_key=6)
FIRST = ("data", "target", "size", "time_limit", "epochs")
EACH = Parameter(name="*")
Flag = Annotated[bool, Parameter(negative="", group=RUN)]


def train_command(tokens: list[str]) -> None:
    """Run `perceivers train` with what follows it: read the recipe, parse all options over it, set back those that say so."""
    recipe: dict[str, Any] = {concern: {} for concern in CONCERNS}
    path = "the command line"
    if any(token == "--config" or token.startswith("--config=") for token in tokens):
        tokens, path = _without_config(tokens)
        recipe = read_recipe(Path(path))
        if recipe["task"] not in TASKS:
            raise ConfigurationError(
                f"`task` of {path!r} must be one of {', '.join(TASKS)}, received {recipe['task']!r}"
            )
        named = tokens[0] if tokens and not tokens[0].startswith("-") else None
        if named is None:
            tokens = [recipe["task"], *tokens]
        elif named != recipe["task"]:
            raise ConfigurationError(
                f"`config` {path!r} is a recipe of {recipe['task']!r}, received {named!r}"
            )
        if "output" in recipe and not any(token.partition("=")[0] == "--output" for token in tokens):
            tokens = [*tokens, f"--output={recipe['output']}"]
        if not any(token.partition("=")[0] in ("--data", "--help", "-h") for token in tokens):
            _require_data(recipe, path)
    if tokens[0] in TASKS:
        kinds = _kinds_of(tokens[0])
        tokens, back = set_back(tokens, tuple(kinds.values()))
        for concern, kind in kinds.items():
            own = {entry.name for entry in dataclasses.fields(kind)}
            recipe[concern] = {
                **recipe[concern],
                **{name: value for name, value in back.items() if name in own},
            }
        app.config = (_recipe_options(recipe, kinds, path),)
    try:
        app(tokens)
    except PerceiversError as error:
        _name_recipe(error, recipe, tokens, path)
        raise
    finally:
        app.config = ()


def _require_data(recipe: dict[str, Any], path: str) -> None:
    if "data" not in recipe["data"]:
        raise ConfigurationError(
            f"`data` is given neither by the recipe {path!r} nor on the command line: --data FOLDER_OR_FILE"
        )


def _name_recipe(error: PerceiversError, recipe: dict[str, Any], tokens: list[str], path: str) -> None:
    """Add the recipe to an error about an option that it has given, and the command line has not."""
    said = str(error)
    named = re.match("`([a-z0-9_]+)`", said)
    if named is None or path in said:
        return
    option = f"--{named[1].replace('_', '-')}"
    is_on_command_line = any(token.partition("=")[0] == option for token in tokens)
    if not is_on_command_line and any(named[1] in recipe[concern] for concern in CONCERNS):
        error.args = (f"{said}; it stands in {path!r}", *error.args[1:])


def _kinds_of(task: str) -> dict[str, type[Any]]:
    """The dataclass of each concern of a run."""
    return {
        "data": DataArguments,
        "model": arguments_class(task),
        "start": StartArguments,
        "training": TrainingArguments,
        "optimization": OptimizationArguments,
    }


def _without_config(tokens: list[str]) -> tuple[list[str], str]:
    """The tokens without `--config PATH` or `--config=PATH`, and the path."""
    index = next(i for i, token in enumerate(tokens) if token == "--config" or token.startswith("--config="))
    if "=" in tokens[index]:
        return tokens[:index] + tokens[index + 1 :], tokens[index].partition("=")[2]
    if index + 1 == len(tokens):
        raise ConfigurationError("`config` must be followed by a YAML file, received nothing")
    return tokens[:index] + tokens[index + 2 :], tokens[index + 1]


def _recipe_options(recipe: dict[str, Any], kinds: dict[str, type[Any]], path: str) -> Dict:
    """The recipe as options. What is the default is left out: a null, or "auto", need not be a value on the command line."""
    options: dict[str, Any] = {}
    for concern in CONCERNS:
        known = {entry.name: entry.default for entry in dataclasses.fields(kinds[concern])}
        for name, value in recipe[concern].items():
            if name not in known:
                raise ConfigurationError(
                    f"`{concern}` of {path!r} has no field {name!r}; it has {', '.join(known)}"
                )
            if isinstance(value, list | dict) and len(value) > MOST_VALUES:
                raise ConfigurationError(
                    f"`{name}` of {path!r} must have {MOST_VALUES:,} values or fewer, received {len(value):,}; "
                    "`perceivers.training.run.train` takes any number in Python"
                )
            if value != known[name]:
                options[name.replace("_", "-")] = value
    return Dict(options, use_commands_as_keys=False, source=path)


def _groups_of(task: str) -> dict[str, Group]:
    """Where options stand on the help page, by field: first those that matter, then by what they are about."""
    model = arguments_class(task)
    columns = [
        entry.name
        for entry in dataclasses.fields(model)
        if entry.name in FIRST or entry.name.endswith("_column")
    ]
    network = dict.fromkeys((entry.name for entry in dataclasses.fields(NetworkArguments)), NETWORK)
    return {**network, **dict.fromkeys([*FIRST, *columns], MAIN)}


def _command_of(name: str) -> Callable[..., None]:
    kind, groups = arguments_class(name), _groups_of(name)
    model_kind = grouped(kind, groups, SAMPLES)
    data_kind = grouped(DataArguments, groups, DATA)
    start_kind = grouped(StartArguments, groups, RUN)
    training_kind = grouped(TrainingArguments, groups, TRAINING)
    optimization_kind = grouped(OptimizationArguments, groups, TRAINING)

    def command(
        *,
        data: Annotated[data_kind, EACH],  # type: ignore[valid-type]
        output: Annotated[Path | None, Parameter(group=MAIN)] = None,
        model: Annotated[model_kind, EACH] = model_kind(),  # type: ignore[valid-type] # noqa: B008
        training: Annotated[training_kind, EACH] = training_kind(),  # type: ignore[valid-type] # noqa: B008
        optimization: Annotated[optimization_kind, EACH] = optimization_kind(),  # type: ignore[valid-type] # noqa: B008
        start: Annotated[start_kind, EACH] = start_kind(),  # type: ignore[valid-type] # noqa: B008
        overwrite: Flag = False,
        resume: Flag = False,
        beside: Annotated[Literal["auto", "none"], Parameter(group=RUN)] = "auto",
        track: Annotated[
            tuple[Literal["tensorboard", "wandb", "mlflow", "csv"], ...], Parameter(group=RUN)
        ] = (),
        quiet: Flag = False,
        print_config: Flag = False,
    ) -> None:
        arguments = as_given(kind, model)
        run = RunArguments(
            output=str(output),
            data=as_given(DataArguments, data),
            start=as_given(StartArguments, start),
            training=as_given(TrainingArguments, training),
            optimization=as_given(OptimizationArguments, optimization),
            overwrite=overwrite,
            resume=resume,
            beside=beside,
            track=track,
            quiet=quiet,
        )
        if print_config:
            # Of "usual", nothing waits for the data.
            if getattr(arguments, "size", None) == USUAL_SIZE:
                run = resolved(run, USUAL)
            print(recipe_text(name, arguments, run, with_output=output is not None), end="")  # noqa: T201
        elif output is None:
            raise ConfigurationError(
                "`output` must be a folder for the run, received nothing: --output FOLDER"
            )
        else:
            _train(name, arguments, run)

    entry = TASKS[name]
    command.__doc__ = f"""Train {name}: {entry.input}; {entry.output}.

    Args:
        data: samples.
        output: folder that receives model, settings, results and learning curve.
        overwrite: replace the run that `output` already holds.
        resume: go on with the run that `output` holds, from its last checkpoint; start it where there is none.
        beside: what the result is printed beside: `auto`, a trivial answer (such as the majority, or no motion) and a cheap
            method that fits the data, on the same samples (it takes seconds); `none`, nothing.
        track: what the history is told to while the run goes on, one or more: `tensorboard` (look at it with
            `tensorboard --logdir FOLDER`), `wandb`, `mlflow`; `csv` is a file `history.csv` in the run's folder.
        quiet: print the results alone: neither what is made of the data nor the progress.
        print_config: print all options, resolved, as a recipe, and stop.
        model: model and augmentation.
        start: checkpoint to start from.
        training: the loop.
        optimization: optimiser and learning rate.
    """
    return command


for _name in TASKS:
    app.command(_command_of(_name), name=_name)


def _train(name: str, model: object, arguments: RunArguments) -> None:
    from rich.console import Console

    from perceivers.tasks.registry import task_class
    from perceivers.training.reporting import beside_tables, is_main_process, results_table
    from perceivers.training.run import train

    results = train(task_class(name)(model), arguments)
    console = Console(quiet=not is_main_process())
    odd = len(results.get("odd_cells", ()))
    for line in results["unreadable"]:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)
    if "beside" in results:
        for each in beside_tables(name, results["beside"], results[results["beside"]["part"]]):
            console.print(each, markup=False, highlight=False, soft_wrap=isinstance(each, str))
    measured = {} if results.get("beside", {}).get("part") == "test" else results["test"]
    rows: dict[str, object] = {f"test {metric}": value for metric, value in measured.items()}
    rows |= {
        "samples": ", ".join(
            f"{part} {count:,}" if isinstance(count, int) else f"{part} {count}"
            for part, count in results["samples"].items()
        ),
        "left out as unreadable": len(results["unreadable"]),
        **({"odd cells": f"in {counted(odd, 'column', 'columns')}, see {RESULTS_FILE}"} if odd else {}),
        "parameters": f"{results['parameters']:,}",
        "training time": f"{results['seconds']['training']:.0f} s",
        "saved in": arguments.output,
    }
    console.print(results_table(name, rows))
