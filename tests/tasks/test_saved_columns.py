"""Columns of a trained model as a file: read as they were written, and refused beside the model of another run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers import PerceiverConfig
from perceivers.answers.one_class import OneClass
from perceivers.errors import CheckpointError
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.date.kind import DateKind
from perceivers.kinds.date.options import DateOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.saved_columns import FILE, read_columns, write_columns

INPUTS = (
    Input(
        "categories",
        ("colour", "form"),
        CategoryKind(CategoryOptions(), vocabularies=(("red",), ("round", "flat"))),
    ),
    Input("numbers", ("size",), NumberKind(NumberOptions()).settle([[1.0], [2.0], [3.0]], ("size",))),  # type: ignore[list-item]
    Input(
        "dates",
        ("born", "met"),
        DateKind(DateOptions()).settle([np.arange(12.0), np.arange(3.0, 15.0)], ("born", "met")),
    ),
    Input("text", ("said", "asked"), TextKind(TextOptions())),
)
# More than ten: as texts, "10" comes before "2".
NAMES = tuple("abcdefghijklm")
COLUMNS = Columns(INPUTS, {"kind": OneClass("kind", names=NAMES)})
HEAD = {"type": "class", "num_queries": 1, "id2label": dict(enumerate(NAMES))}


def of_model(**changes: Any) -> PerceiverConfig:
    """The configuration of the model of these columns."""
    plain = PerceiverConfig()
    # The check asks for no more than these two.
    plain.modalities = {name: {"type": each["type"]} for name, each in COLUMNS.modalities().items()}
    plain.answers = json.loads(json.dumps(COLUMNS.heads(), sort_keys=True))
    for name, value in changes.items():
        setattr(plain, name, value)
    return plain


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_columns(COLUMNS.inputs, COLUMNS.answers, tmp_path)
    inputs, answers = read_columns(tmp_path)
    again = Columns(inputs, answers)
    assert again.modalities() == COLUMNS.modalities()
    assert again.heads() == COLUMNS.heads()
    again.require_of(of_model(), tmp_path)
    again.require_of(PerceiverConfig(), tmp_path)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("change", [lambda names: names[:-1], lambda names: [*names, "more"]])
def test_more_or_fewer_columns_than_were_learned_from_are_refused(
    place: int, change: Callable[[list[str]], list[str]], tmp_path: Path
) -> None:
    write_columns(COLUMNS.inputs, COLUMNS.answers, tmp_path)
    saved = json.loads((tmp_path / FILE).read_text())
    saved["inputs"][place]["columns"] = change(saved["inputs"][place]["columns"])
    (tmp_path / FILE).write_text(json.dumps(saved))
    with pytest.raises(CheckpointError, match=r"columns\.json` does not hold the columns of a trained model"):
        read_columns(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"modalities": {"text": {"type": "text"}}},
            "other modalities: categories, numbers, dates, text and text$",
        ),
        ({"answers": {"sort": {"type": "class"}}}, "other answers: kind and sort$"),
        (
            {"answers": {"kind": {**HEAD, "id2label": dict(enumerate(reversed(NAMES)))}}},
            "other answers: kind and kind$",
        ),
    ],
)
def test_columns_beside_the_model_of_another_run_are_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(
        CheckpointError, match=rf"columns\.json` and `.*config\.json` must be of one run, received {said}"
    ):
        COLUMNS.require_of(of_model(**changes), tmp_path)
