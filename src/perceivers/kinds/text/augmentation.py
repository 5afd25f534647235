"""Texts changed at random while training: a part of them, without some of their words, begun elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perceivers.kinds.text.words import bytes_of, word_spans


def run_of_words(text: bytes, generator: np.random.Generator) -> bytes:
    """A random run of a text's words, as long as chance wants; a text without words stays as it is."""
    spans = word_spans(text)
    if not spans:
        return text
    count = int(generator.integers(1, len(spans) + 1))
    first = int(generator.integers(len(spans) - count + 1))
    return text[spans[first][0] : spans[first + count - 1][1]]


def cropped(texts: Sequence[bytes], probability: float, generator: np.random.Generator) -> list[bytes]:
    """Texts, each with this probability only a random run of its words."""
    if not probability:
        return list(texts)
    return [run_of_words(text, generator) if generator.random() < probability else text for text in texts]


def hidden_bytes(text: bytes, share: float, generator: np.random.Generator) -> tuple[int, ...]:
    """Indices of all bytes of random words, each of which is drawn with probability `share`."""
    return tuple(bytes_of([span for span in word_spans(text) if generator.random() < share]))
