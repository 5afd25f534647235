"""Inputs and answers of a trained model as a file: what each column holds, and what was learned of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perceivers.answers.base import Answer
from perceivers.answers.registry import answer_of_state
from perceivers.arguments import from_mapping
from perceivers.errors import CheckpointError
from perceivers.kinds.base import Kind
from perceivers.kinds.registry import kind_class
from perceivers.records import read_json, write_json
from perceivers.tasks.inputs import Input

FILE = "columns.json"


def write_columns(inputs: Sequence[Input], answers: Mapping[str, Answer], folder: Path) -> None:
    """Write `columns.json` into a folder.

    Args:
        inputs: what is read.
        answers: what is asked for, by the name that the model has for it.
        folder: that receives the file.
    """
    read = [
        {
            "name": each.name,
            "kind": each.kind.name,
            "columns": list(each.columns),
            "options": _options_of(each.kind),
            "state": each.kind.state(),
            **(
                {"strays": {column: sorted(own) for column, own in each.strays.items()}}
                if each.strays
                else {}
            ),
            **({"by_column": True} if each.by_column else {}),
        }
        for each in inputs
    ]
    asked = {name: {"answer": answer.name, **answer.state()} for name, answer in answers.items()}
    write_json(folder / FILE, {"inputs": read, "answers": asked})


def read_columns(folder: Path) -> tuple[tuple[Input, ...], dict[str, Answer]]:
    """Inputs and answers that `write_columns` wrote.

    Raises:
        CheckpointError: the file is absent or holds something else.
    """
    path = folder / FILE
    try:
        saved = read_json(path)
        inputs = tuple(
            Input(
                each["name"],
                tuple(each["columns"]),
                _kind_of(each),
                _strays_of(each),
                each.get("by_column", False),
            )
            for each in saved["inputs"]
        )
        answers = {name: answer_of_state(state) for name, state in saved["answers"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"`{path}` does not hold the columns of a trained model: {error!r}") from error
    return inputs, answers


def _options_of(kind: Kind) -> dict[str, Any]:
    names = [entry.name for entry in dataclasses.fields(kind.options_class)]
    values = {name: getattr(kind.options, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _strays_of(saved: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    return {column: frozenset(own) for column, own in saved.get("strays", {}).items()}


def _kind_of(saved: Mapping[str, Any]) -> Kind:
    kind = kind_class(saved["kind"])
    found = kind(from_mapping(kind.options_class, saved["options"])).with_state(saved["state"])
    if found.columns_learned not in (None, len(saved["columns"])):
        raise ValueError(f"{found.columns_learned} columns of {saved['name']!r} for {saved['columns']}")
    return found
