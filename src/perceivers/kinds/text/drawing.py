"""A text whose words are shaded by their attention."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from perceivers.kinds.shading import shaded
from perceivers.kinds.text.words import word_spans


def shaded_words(text: bytes, weights: Sequence[float]) -> str:
    """A text as HTML, with a background behind each word: its bytes' weight, in parts of the heaviest word's.

    Args:
        text: UTF-8.
        weights: of each byte, non-negative.
    """
    spans = word_spans(text)
    sums = [sum(weights[start:end]) for start, end in spans]
    heaviest = max(sums, default=0.0) or 1.0
    html, read = "", 0
    for (start, end), total in zip(spans, sums, strict=True):
        html += escape(_letters(text[read:start])) + shaded(_letters(text[start:end]), total / heaviest)
        read = end
    return html + escape(_letters(text[read:]))


def _letters(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
