"""A run as an interface of gradio, for those who host on Spaces; `perceivers app` is the page of this library."""

from __future__ import annotations

import importlib
from os import PathLike
from pathlib import Path
from typing import Any

from perceivers.errors import DataError, PerceiversError
from perceivers.kinds.asked import Field, Sent
from perceivers.predictor import load


def interface(run: str | PathLike[str], *, device: str = "auto") -> Any:
    """Build a `gradio.Interface` with a field a column, an output an answer, and what the model looked at.

    Example:
        perceivers.integrations.gradio.interface("runs/digits").launch()

    Args:
        run: a folder that `perceivers train` wrote.
        device: "auto" or "cpu".

    Raises:
        PerceiversError: gradio is not installed.
    """
    try:
        gradio = importlib.import_module("gradio")
    except ImportError as error:
        raise PerceiversError(
            "An interface of gradio needs the package `gradio`, which is not installed: pip install gradio"
        ) from error
    predictor = load(run, device=device)
    asking = predictor.asking()
    fields = asking.fields
    targets = list(getattr(predictor.parts.processor, "answers", {}).values())

    def answer(*given: Any) -> list[Any]:
        cells = {each.column: _cell(value, each) for each, value in zip(fields, given, strict=True)}
        (found,) = asking.answers([cells])
        if isinstance(found, DataError):
            raise gradio.Error(str(found), print_exception=False)
        said = asking.said(found)
        if not targets:
            words = "\n".join(f"{each.title}: {each.words}" for each in said)
            return [words, asking.html(found)]
        by_title = {each.title: each for each in said}
        shown = [by_title.get(each.title) for each in targets]
        return [None if each is None else dict(each.shares) or each.words for each in shown] + [
            asking.html(found)
        ]

    outputs = [
        gradio.Label(label=each.title) if each.names else gradio.Textbox(label=each.title) for each in targets
    ]
    return gradio.Interface(
        answer,
        [_component(gradio, each) for each in fields],
        [*(outputs or [gradio.Textbox(label="answer")]), gradio.HTML(label="what the model looked at")],
        title=Path(run).resolve().name,
        description=predictor.task.name,
        flagging_mode="never",
    )


def _component(gradio: Any, field: Field) -> Any:
    """What a column is filled in with."""
    if field.form == "file":
        made = {"picture": gradio.Image, "sound": gradio.Audio, "film": gradio.Video}.get(field.player)
        if made is None:
            return gradio.File(label=field.column, type="filepath")
        return (
            made(label=field.column) if field.player == "film" else made(label=field.column, type="filepath")
        )
    if field.form == "number":
        return gradio.Number(label=field.column, value=None)
    if field.form == "choice":
        return gradio.Dropdown(list(field.choices), label=field.column, value=None)
    return gradio.Textbox(label=field.column, info=field.hint or None)


def _cell(value: Any, field: Field) -> Any:
    """What gradio gives for a column; it names the files that it has stored itself."""
    return Sent(value, Path(value).read_bytes()) if field.form == "file" and value else value
