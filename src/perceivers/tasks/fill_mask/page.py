"""A page to read: filled texts with their gaps marked, and under each the guesses with their probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from perceivers.tasks.base import Prediction
from perceivers.tasks.html_page import write_html

_STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; color: #222; max-width: 56em; margin: 2em auto; padding: 0 1em; }
article { border-top: 1px solid #ddd; padding: 1em 0; }
p { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 1.15em; }
mark { background: #fbe3e6; border-bottom: 2px solid #d1495b; padding: 0 0.1em; }
table { border-collapse: collapse; display: inline-table; margin: 0 2em 1em 0; font-size: 0.85em; }
caption { text-align: left; color: #777; }
td { padding: 0.1em 0.6em 0.1em 0; white-space: pre; }
.bar { width: 8em; } .bar div { background: #b8c4cc; height: 0.7em; } tr:first-child .bar div { background: #d1495b; }
.source { color: #777; font-size: 0.85em; }
"""


def write_page(predictions: Sequence[Prediction], path: Path) -> None:
    """Write an HTML page that needs no other file.

    Args:
        predictions: as `perceivers.tasks.fill_mask.answers.fill` makes them.
        path: file to write.
    """
    articles = "\n".join(_article(prediction) for prediction in predictions)
    write_html(path, "Filled texts", _STYLE, articles)


def _article(prediction: Prediction) -> str:
    pieces, gaps = prediction.shown["pieces"], prediction.values["gaps"]
    text = escape(pieces[0])
    for gap, piece in zip(gaps, pieces[1:], strict=True):
        title = f"{gap['probability']:.1%}"
        text += f'<mark title="{title}">{escape(gap["answer"])}</mark>{escape(piece)}'
    tables = "\n".join(_table(number, gap) for number, gap in enumerate(gaps, start=1))
    source = escape(prediction.source[:200])
    return f'<article>\n<div class="source">{source}</div>\n<p>{text}</p>\n{tables}\n</article>'


def _table(number: int, gap: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f'<tr><td>{escape(text)}</td><td>{probability:.1%}</td><td class="bar">'
        f'<div style="width: {100.0 * probability:.1f}%"></div></td></tr>'
        for text, probability in gap["alternatives"].items()
    )
    size = f"{gap['length']} byte{'s' if gap['length'] > 1 else ''}"
    return f"<table><caption>gap {number}, {size}</caption>\n{rows}\n</table>"
