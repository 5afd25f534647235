"""Texts changed while training: runs of words, and words whose bytes are hidden together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perceivers.kinds.text.augmentation import cropped, hidden_bytes

TEXT = b"one two three four"


def test_a_cropped_text_is_a_run_of_its_words() -> None:
    drawn = {cropped([TEXT], 0.999, np.random.default_rng(seed))[0] for seed in range(60)}
    assert all(text in TEXT for text in drawn)
    assert {b"one", b"two three", TEXT} <= drawn
    assert cropped([b" \n"], 0.999, np.random.default_rng(0)) == [b" \n"]


def test_a_text_is_cropped_as_often_as_asked() -> None:
    generator = np.random.default_rng(0)
    same = sum(cropped([TEXT], 0.25, generator) == [TEXT] for _ in range(400))
    # Left whole in three of four cases, and where the run is all of it, one of four lengths.
    assert abs(same / 400 - (0.75 + 0.25 / 4)) < 0.05
    state = generator.bit_generator.state
    assert cropped([TEXT], 0.0, generator) == [TEXT]
    assert generator.bit_generator.state == state


def test_all_bytes_of_a_word_are_hidden_together() -> None:
    drawn = [hidden_bytes(TEXT, 0.5, np.random.default_rng(seed)) for seed in range(60)]
    lengths = {sum(map(len, subset)) for subset in _subsets(TEXT.split())}
    assert {len(each) for each in drawn} <= lengths
    assert any(drawn)
    assert hidden_bytes(TEXT, 0.0, np.random.default_rng(0)) == ()


def _subsets(words: Sequence[bytes]) -> list[list[bytes]]:
    found: list[list[bytes]] = [[]]
    for word in words:
        found += [[*subset, word] for subset in found]
    return found
