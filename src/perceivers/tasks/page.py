"""Predictions for people, on a picture or a page: each row's values as their kinds show them, and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from perceivers.kinds.cards import draw_cards
from perceivers.tasks.base import Prediction
from perceivers.tasks.columns import Columns
from perceivers.tasks.html_page import write_html
from perceivers.tasks.inputs import Input

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
article { border-top: 1px solid #8886; padding: 0.7em 0; }
p { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.3em 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15em 1em; margin: 0.3em 0; }
dt { color: #777; }
dd { margin: 0; overflow-wrap: anywhere; }
img { image-rendering: pixelated; vertical-align: middle; min-width: 4em; max-width: 12em; }
.source, .name { color: #777; font-size: 0.85em; }
.answer { color: #d1495b; font-weight: 600; }
.other { color: #777; margin-left: 1em; }
"""


def show_answers(
    predictions: Sequence[Prediction], columns: Columns, folder: Path, several: bool
) -> list[Path]:
    """Draw the values of a single kind that has a picture, with their only answer; write a page of all others.

    Args:
        predictions: see `write_page`.
        columns: inputs and answers.
        folder: that receives the file.
        several: whether a row may have several answers.
    """
    (first, *others), (name, *_) = columns.inputs, columns.answers
    if others or first.kind.card is None or several:
        path = folder / "predictions.html"
        write_page(predictions, columns, path)
        return [path]
    path, answer = folder / "predictions.png", columns.answers[name]

    def draw_value(figure: Any, places: Sequence[Any], index: int) -> None:
        shown = predictions[index].shown["inputs"][first.name]
        if shown is not None:
            first.kind.draw(figure, places, shown, predictions[index].source)

    def draw_answer(axes: Any, index: int) -> None:
        answer.draw(axes, predictions[index].answers[name])

    draw_cards(len(predictions), path, first.kind.card, draw_value, draw_answer, answer.drawn)
    return [path]


def write_page(predictions: Sequence[Prediction], columns: Columns, path: Path) -> None:
    """Write an HTML page that needs no other file.

    Args:
        predictions: `shown` has `inputs`, what each input's kind shows; those without it are left out.
        columns: inputs and answers.
        path: file to write.
    """
    shown = [prediction for prediction in predictions if prediction.shown]
    articles = "\n".join(_article(prediction, columns) for prediction in shown)
    count = f"<p>{len(shown)} of {len(predictions)}</p>\n" if len(shown) < len(predictions) else ""
    body = f"<p>What is darker had more of the answer's attention.</p>\n{count}{articles}"
    write_html(path, "Answers", _STYLE, body, head='<meta name="viewport" content="width=device-width">\n')


def input_html(each: Input, shown: Any, *, alone: bool) -> str:
    """A value of one input as HTML, below its column's name where others stand beside it.

    Args:
        each: the input.
        shown: what its kind shows of the value.
        alone: whether the model has no other input.
    """
    html = each.kind.html(shown, each.columns)
    return _value(each.columns, html, names_itself=each.kind.gathers or alone)


def _article(prediction: Prediction, columns: Columns) -> str:
    alone = len(columns.inputs) == 1
    values = "\n".join(
        input_html(each, prediction.shown["inputs"][each.name], alone=alone) for each in columns.inputs
    )
    several = len(columns.answers) > 1
    answers = "".join(
        f"<div>{_named(columns.answers[name].title, several)}{columns.answers[name].html(said)}</div>\n"
        for name, said in prediction.answers.items()
    )
    return f'<article>\n<div class="source">{escape(prediction.source[:200])}</div>\n{values}\n{answers}</article>'


def _value(names: Sequence[str], html: str, *, names_itself: bool) -> str:
    """A value below its column's name; kinds that gather columns name them by themselves."""
    if names_itself or len(names) > 1:
        return html
    return f'<div class="name">{escape(names[0])}</div>\n{html}'


def _named(column: str, several: bool) -> str:
    return f'<span class="name">{escape(column)}:</span> ' if several else ""
