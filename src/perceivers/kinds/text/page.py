"""A page to read: classified texts, shaded where the answer looked, with the likeliest answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from perceivers.kinds.text.words import word_spans
from perceivers.tasks.base import Prediction

MOST_SHOWN = 200

_STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; color: #222; max-width: 56em; margin: 2em auto; padding: 0 1em; }
article { border-top: 1px solid #ddd; padding: 0.7em 0; }
p { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.3em 0; }
.source { color: #777; font-size: 0.85em; }
.answer { color: #d1495b; font-weight: 600; }
.other { color: #777; margin-left: 1em; }
"""


def write_page(predictions: Sequence[Prediction], path: Path) -> None:
    """Write an HTML page that needs no other file, with up to 200 predictions.

    Args:
        predictions: `values` with `number`, or with `label` and `probabilities`, and perhaps `task`; `shown` with `texts`
            (UTF-8 bytes) and `looked_at` (for each text the weight of each byte, non-negative).
        path: file to write.
    """
    shown = predictions[:MOST_SHOWN]
    articles = "\n".join(_article(prediction) for prediction in shown)
    count = f"<p>{len(shown)} of {len(predictions)} texts</p>\n" if len(shown) < len(predictions) else ""
    path.write_text(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Answers</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Answers</h1>\n"
        "<p>Darker words had more of the answer's attention.</p>\n"
        f"{count}{articles}\n</body>\n</html>\n",
        encoding="utf-8",
    )


def _article(prediction: Prediction) -> str:
    values, shown = prediction.values, prediction.shown
    texts = "".join(
        f"<p>{_shaded(text, weights)}</p>\n"
        for text, weights in zip(shown["texts"], shown["looked_at"], strict=True)
    )
    task = f'<span class="source">{escape(values["task"])}:</span> ' if "task" in values else ""
    return (
        f'<article>\n<div class="source">{escape(prediction.source[:200])}</div>\n{texts}'
        f"<div>{task}{_answer(values)}</div>\n</article>"
    )


def _answer(values: Mapping[str, Any]) -> str:
    if "number" in values:
        return f'<span class="answer">{values["number"]:.4g}</span>'
    ranked = [(name, value) for name, value in values["probabilities"].items() if value >= 0.005]
    chosen = set(values["label"].split(", "))
    return "".join(
        f'<span class="{"answer" if name in chosen else "other"}">{escape(name)} {value:.1%} </span>'
        for name, value in ranked
    )


def _shaded(text: bytes, weights: Sequence[float]) -> str:
    """The text with a background behind each word: its bytes' weight, in parts of the heaviest word's."""
    spans = word_spans(text)
    sums = [sum(weights[start:end]) for start, end in spans]
    heaviest = max(sums, default=0.0) or 1.0
    html, read = "", 0
    for (start, end), total in zip(spans, sums, strict=True):
        html += escape(text[read:start].decode("utf-8", errors="replace"))
        word = escape(text[start:end].decode("utf-8", errors="replace"))
        html += f'<span style="background: rgba(209, 73, 91, {0.55 * total / heaviest:.2f})">{word}</span>'
        read = end
    return html + escape(text[read:].decode("utf-8", errors="replace"))
