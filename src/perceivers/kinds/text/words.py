"""Which words of a text are hidden, every byte of a word together, or which single bytes of its words."""

from __future__ import annotations

import re

import numpy as np

# Words as the paper takes them: what stands between white space, punctuation included.
_WORD = re.compile(rb"[^ \t\n\r\v\f]+")

Span = tuple[int, int]


def word_spans(text: bytes) -> list[Span]:
    """Give (start, end) of every word, in bytes; words are what white space divides."""
    return [found.span() for found in _WORD.finditer(text)]


def byte_spans(text: bytes) -> list[Span]:
    """Give (start, end) of every byte that belongs to a word."""
    return [(index, index + 1) for index in bytes_of(word_spans(text))]


def draw_spans(spans: list[Span], fraction: float, generator: np.random.Generator) -> list[Span]:
    """Choose words, or bytes, at random, without repetition.

    Args:
        spans: (start, end) of every one.
        fraction: share of them that is chosen, in (0, 1]; of any, at least one is.
        generator: where the choice comes from.

    Returns:
        The chosen spans, in the order of the text. The expected share is `fraction`: what remains of a span is
        rounded at random.
    """
    if not spans:
        return []
    wanted = fraction * len(spans)
    count = int(wanted) + int(generator.random() < wanted - int(wanted))
    chosen = generator.choice(len(spans), size=max(count, 1), replace=False)
    return [spans[index] for index in sorted(chosen.tolist())]


def bytes_of(spans: list[Span]) -> list[int]:
    """Give the index of every byte inside the spans, in order."""
    return [index for start, end in spans for index in range(start, end)]
