"""Simple guesses of hidden words: counts of runs of bytes on both sides, and how often each byte comes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from perceivers.kinds.text.words import Span
from perceivers.rivals.both_sides import UNKNOWN, BothSides
from perceivers.rivals.reading import read_evenly
from perceivers.tasks.fill_mask.window import TextWindow

TITLE, ALIKE = "n-grams of both sides", "byte frequencies"
# Bytes of text that are counted, at most: it is to take seconds.
MOST_COUNTED = 2_000_000

#: Bytes int16 [length], UNKNOWN where hidden, and the hidden spans -> chances of each byte [hidden bytes, 256].
Chances = Callable[[np.ndarray, Sequence[Span]], np.ndarray]


def stand_beside(
    train: Any, asked: Iterable[TextWindow], words: Callable[[bytes], list[Span]]
) -> dict[str, Any] | None:
    """See Task.stand_beside.

    Args:
        train: the training part, windows.
        asked: windows to be measured, with what is hidden in them.
        words: what may be hidden in a text.
    """
    windows = list(asked)
    texts, num_windows = counted_texts(train)
    if not texts or not any(window.hidden for window in windows):
        return None
    rival = BothSides().fit(texts, words)
    frequencies = rival.frequencies

    def alike(_: np.ndarray, hidden: Sequence[Span]) -> np.ndarray:
        return np.tile(frequencies, (sum(end - start for start, end in hidden), 1))

    return {
        "method": TITLE,
        "trivial": ALIKE,
        TITLE: measured(rival.probabilities, windows),
        ALIKE: measured(alike, windows),
        "training_samples": num_windows,
        "samples": len(windows),
    }


def measured(chances: Chances, asked: Iterable[TextWindow]) -> dict[str, float]:
    """The measures of the task, see `perceivers.metrics.text_masking.masking_metrics`, of guesses by `chances`."""
    nats, num_bytes, right_bytes, num_words, right_words = 0.0, 0, 0, 0, 0
    for window in asked:
        hidden = window.hidden or ()
        text = np.frombuffer(window.piece, np.uint8).astype(np.int16)
        truth = np.concatenate([text[start:end] for start, end in hidden] or [text[:0]])
        for start, end in hidden:
            text[start:end] = UNKNOWN
        guessed = chances(text, hidden)
        nats -= float(np.log(guessed[np.arange(len(truth)), truth]).sum())
        is_right = guessed.argmax(axis=1) == truth
        words = np.split(is_right, np.cumsum([end - start for start, end in hidden])[:-1]) if hidden else []
        num_bytes += len(truth)
        right_bytes += int(is_right.sum())
        num_words += len(hidden)
        right_words += sum(bool(each.all()) for each in words)
    loss = nats / max(num_bytes, 1)
    return {
        "loss": loss,
        "bits_per_masked_byte": loss / math.log(2.0),
        "masked_byte_accuracy": right_bytes / max(num_bytes, 1),
        "whole_word_accuracy": right_words / max(num_words, 1),
    }


def counted_texts(train: Any) -> tuple[list[bytes], int]:
    """Texts that evenly drawn windows are cut from, each once, up to MOST_COUNTED bytes, and how many windows these are.

    Args:
        train: windows; of a stream there are none.
    """
    texts: dict[bytes, None] = {}
    size = num_windows = 0
    every = len(train) if hasattr(train, "__len__") else 0
    for window in read_evenly(train, lambda window: window, most=every):
        if window.text not in texts:
            size += len(window.text)
            if size > MOST_COUNTED and texts:
                break
            texts[window.text] = None
        num_windows += 1
    return list(texts), num_windows
