"""What a run that fills gaps stands beside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from perceivers.kinds.text.words import word_spans
from perceivers.tasks.fill_mask import beside
from perceivers.tasks.fill_mask.beside import ALIKE, TITLE, measured, stand_beside
from perceivers.tasks.fill_mask.window import TextWindow

WINDOWS = [TextWindow(b"xx ab cde", 3, 9, hidden=((0, 2), (3, 6))), TextWindow(b"f", 0, 1, hidden=())]


def half_sure(text: np.ndarray, hidden: Sequence[tuple[int, int]]) -> np.ndarray:
    """Bytes as they follow in the alphabet, each with a chance of one half; what is hidden cannot be seen."""
    assert text.tolist() == [-1, -1, ord(" "), -1, -1, -1][: len(text)] or not hidden
    found = np.full((sum(end - start for start, end in hidden), 256), 0.5 / 255)
    for row, byte in enumerate(b"abcdx"[: len(found)]):
        found[row, byte] = 0.5
    return found


def test_measures_are_those_of_the_task() -> None:
    found = measured(half_sure, WINDOWS)
    # a, b, c, d are right, the e is not: one word of two.
    assert found["masked_byte_accuracy"] == pytest.approx(4 / 5)
    assert found["whole_word_accuracy"] == pytest.approx(1 / 2)
    assert found["loss"] == pytest.approx((4 * math.log(2) + math.log(510)) / 5)
    assert found["bits_per_masked_byte"] == pytest.approx(found["loss"] / math.log(2))


def test_counts_of_both_sides_know_more_than_how_often_a_byte_comes() -> None:
    text = b"the red fox ran to the red hen and the fox sat " * 5
    train = [TextWindow(text, 0, 30), TextWindow(text, 30, 60)]
    asked = [TextWindow(b"the red fox", 0, 11, hidden=((4, 7),))] * 3
    found = stand_beside(train, asked, word_spans)
    assert found is not None
    assert (found["method"], found["training_samples"], found["samples"]) == (TITLE, 2, 3)
    assert found[TITLE]["whole_word_accuracy"] == 1.0
    assert found[TITLE]["loss"] < found[ALIKE]["loss"]
    assert stand_beside([], asked, word_spans) is None
    assert stand_beside(train, WINDOWS[1:], word_spans) is None


def test_long_texts_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MOST_COUNTED", 7)
    train = [TextWindow(text, 0, 5) for text in (b"aa bb", b"cc dd", b"ee ff")]
    found = stand_beside(train, [TextWindow(b"aa", 0, 2, hidden=((0, 2),))], word_spans)
    assert found is not None
    assert found["training_samples"] == 1
