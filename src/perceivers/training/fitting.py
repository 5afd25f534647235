"""`perceivers.fit`: train on a table that Python has, in one call."""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
    from_mapping,
)
from perceivers.arguments.base import require_choice
from perceivers.errors import ConfigurationError
from perceivers.tasks.table.options import TableArguments

if TYPE_CHECKING:
    from perceivers.data.opening import Tables
    from perceivers.predictor import Predictor

CONCERNS: Mapping[str, type[Any]] = {
    "model": TableArguments,
    "data": DataArguments,
    "start": StartArguments,
    "training": TrainingArguments,
    "optimization": OptimizationArguments,
}
# Options of the command that are arguments of their own here, and how these are called.
ELSEWHERE: Mapping[str, str] = {
    "data": "data",
    "target": "target",
    "validation_data": "validation",
    "test_data": "test",
}
# Options that only a command can have, and what Python has in their place.
OF_THE_COMMAND: Mapping[str, str] = {
    "config": "a recipe's fields are its arguments, **options",
    "print_config": "what was chosen stands in arguments.yaml of its `output`",
}
_OWN = ("output", "overwrite", "resume", "quiet", "beside", "track")
TRACKERS = ("tensorboard", "wandb", "mlflow", "csv")


def fit(
    data: Any,
    target: str | Sequence[str],
    *,
    output: str | PathLike[str] | None = None,
    validation: Any = None,
    test: Any = None,
    overwrite: bool = False,
    resume: bool = False,
    quiet: bool = False,
    beside: Literal["auto", "none"] = "none",
    track: str | Sequence[str] = (),
    **options: Any,
) -> Predictor:
    """Train a model that answers columns of a table from the others: `perceivers train table` in Python.

    Example:
        predictor = perceivers.fit(frame, target="price", output="runs/houses", epochs=20)
        answers = predictor(frame.head())

    Args:
        data: a DataFrame of pandas or polars, an Arrow table, a mapping from column to cells, a list of rows, or what
            `--data` takes: a path or a name.
        target: the columns to answer, each as `--target` of `perceivers train table` takes it.
        output: folder that receives the run; None: nothing is kept but the predictor.
        validation: rows that are watched while training; None: a share of `data`.
        test: rows that are measured at the end; None: a share of `data`.
        overwrite: replace the run that `output` already holds.
        resume: go on with the run that `output` holds.
        quiet: print nothing.
        beside: "auto" measures a trivial answer and a cheap method on the same rows, for `predictor.results["beside"]`, which
            takes seconds and is what the command does.
        track: what the history is told to while the run goes on, one or more of "tensorboard", "wandb", "mlflow", "csv".
        options: further options of `perceivers train table`, with underscores: `column=["photo=image"]`, `epochs=20`.

    Returns:
        The trained model, to be asked; `predictor.results` says what was measured.
    """
    # Here, so that the name costs nothing until it is used.
    from perceivers.data.frames import IN_MEMORY, table_of
    from perceivers.predictor import load
    from perceivers.tasks.table.given import GivenTableTask
    from perceivers.training.run import train

    chosen = _by_concern(options)
    require_choice("beside", beside, ("auto", "none"))
    told = (track,) if isinstance(track, str) else tuple(track)
    for each in told:
        require_choice("track", each, TRACKERS)
    targets = (target,) if isinstance(target, str) or not isinstance(target, Iterable) else tuple(target)
    source: dict[str, Any] = {"data": IN_MEMORY}
    tables: Tables | None = None
    parts = {"data": data, "validation": validation, "test": test}
    given = {name: rows for name, rows in parts.items() if rows is not None}
    are_paths = {name: isinstance(rows, str | PathLike) for name, rows in given.items()}
    if len(set(are_paths.values())) > 1:
        listed = ", ".join(f"{name} {type(rows).__name__}" for name, rows in given.items())
        raise ConfigurationError(
            f"`data`, `validation` and `test` must all be paths, or all be rows, received {listed}"
        )
    if are_paths.get("data"):
        names = {"data": "data", "validation": "validation_data", "test": "test_data"}
        source = {names[name]: str(path) for name, path in given.items()}
    else:
        tables = {"train" if name == "data" else name: table_of(rows, name) for name, rows in given.items()}
    with tempfile.TemporaryDirectory(prefix="perceivers-") as unkept:
        folder = Path(unkept) / "run" if output is None else Path(output)
        if output is None:
            # Nobody could go on with them.
            chosen["training"].setdefault("checkpoint_every", sys.maxsize)
        run = RunArguments(
            output=str(folder),
            data=from_mapping(DataArguments, {**source, **chosen["data"]}),
            start=from_mapping(StartArguments, chosen["start"]),
            training=from_mapping(TrainingArguments, chosen["training"]),
            optimization=from_mapping(OptimizationArguments, chosen["optimization"]),
            overwrite=overwrite,
            resume=resume,
            # Nobody would see them.
            pictures=output is not None,
            quiet=quiet,
            beside=beside,
            track=told,  # type: ignore[arg-type]
        )
        model = from_mapping(TableArguments, {"target": targets, **chosen["model"]})
        train(GivenTableTask(model, tables), run)
        return load(folder, device=run.training.device)


def _by_concern(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Options by the dataclass that has them; a list, or a single one of several, becomes a tuple."""
    fields = {
        entry.name: (concern, str(entry.type).startswith("tuple"))
        for concern, kind in CONCERNS.items()
        for entry in dataclasses.fields(kind)
    }
    found: dict[str, dict[str, Any]] = {concern: {} for concern in CONCERNS}
    for name, value in options.items():
        if name not in fields or name in ELSEWHERE:
            raise ConfigurationError(f"`{name}` is no option of `perceivers.fit`{_instead(name, fields)}")
        concern, has_several = fields[name]
        if has_several:
            several = value if isinstance(value, list | tuple) else (value,)
            found[concern][name] = tuple(_plain(each) for each in several)
        else:
            found[concern][name] = _plain(value)
    return found


def _instead(name: str, fields: Iterable[str]) -> str:
    """What stands in the place of an option that there is not."""
    if name in ELSEWHERE:
        return f": give it as `{ELSEWHERE[name]}`"
    if name in OF_THE_COMMAND:
        return f": {OF_THE_COMMAND[name]}"
    near = difflib.get_close_matches(name, [*fields, *ELSEWHERE.values(), *_OWN], n=1)
    return f"; is it {near[0]}?" if near else ""


def _plain(value: Any) -> Any:
    """A value as a recipe would have it: Python's own numbers, and paths as texts."""
    if isinstance(value, np.generic):
        return value.item()
    return os.fspath(value) if isinstance(value, PathLike) else value
