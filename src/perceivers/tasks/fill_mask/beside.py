"""Simple guesses of hidden words: counts of runs of bytes on both sides, and how often each byte comes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from perceivers.kinds.text.words import Span
from perceivers.rivals.both_sides import UNKNOWN, BothSides
from perceivers.tasks.fill_mask.window import TextWindow

TITLE, ALIKE = "n-grams of both sides", "byte frequencies"
# Bytes of text that are counted, at most: it is to take seconds.
MOST_COUNTED = 2_000_000

#: Bytes int16 [length], UNKNOWN where hidden, and the hidden spans -> chances of each byte [hidden bytes, 256].
Chances = Callable[[np.ndarray, Sequence[Span]], np.ndarray]


def stand_beside(
    train: Iterable[TextWindow], asked: Sequence[TextWindow], words: Callable[[bytes], list[Span]]
) -> dict[str, Any] | None:
    """See Task.stand_beside.

    Args:
        train: windows of the training texts.
        asked: windows to be measured, with what is hidden in them.
        words: what may be hidden in a text.
    """
    texts = list(_texts(train))
    if not texts or not any(window.hidden for window in asked):
        return None
    rival = BothSides().fit(texts, words)
    frequencies = rival.frequencies

    def alike(_: np.ndarray, hidden: Sequence[Span]) -> np.ndarray:
        return np.tile(frequencies, (sum(end - start for start, end in hidden), 1))

    return {
        "method": TITLE,
        "trivial": ALIKE,
        TITLE: measured(rival.probabilities, asked),
        ALIKE: measured(alike, asked),
        "training_samples": len(texts),
        "samples": len(asked),
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
        num_bytes, right_bytes = num_bytes + len(truth), right_bytes + int(is_right.sum())
        num_words, right_words = (
            num_words + len(hidden),
            right_words + sum(bool(each.all()) for each in words),
        )
    loss = nats / max(num_bytes, 1)
    return {
        "loss": loss,
        "bits_per_masked_byte": loss / math.log(2.0),
        "masked_byte_accuracy": right_bytes / max(num_bytes, 1),
        "whole_word_accuracy": right_words / max(num_words, 1),
    }


def counted(train: Iterable[TextWindow], words: Callable[[bytes], list[Span]]) -> BothSides:
    """Counts of all words of the texts that windows are cut from."""
    return BothSides().fit(_texts(train), words)


def every(samples: Any) -> Iterator[TextWindow]:
    """All samples of a part."""
    return (samples[index] for index in range(len(samples)))


def _texts(train: Iterable[TextWindow]) -> Iterator[bytes]:
    """The texts that windows are cut from, each once, up to MOST_COUNTED bytes."""
    seen: set[bytes] = set()
    size = 0
    for window in train:
        if window.text in seen:
            continue
        size += len(window.text)
        if size > MOST_COUNTED and seen:
            return
        seen.add(window.text)
        yield window.text
