"""The benchmark of repeated looks: its rows, and one run of a tiny model."""

from __future__ import annotations

import first_perceiver
import pytest
from first_perceiver import ARMS, HEADER, Arm, Reached, arms_of, row_of, train_arm


def test_a_row_says_looks_weights_and_means() -> None:
    runs = [Reached(3, 1234, 10, 8.0, 0.5, 1.0), Reached(3, 1234, 14, 9.0, 0.7, 2.0)]
    row = row_of("digits", Arm(None, "none"), runs)
    assert len(row) == len(HEADER)
    assert row == ["digits", "3", "each has its own", "1,234", "12", "8", "0.600 ± 0.141", "1.500 ± 0.707"]
    assert row_of("digits", Arm(1), runs[:1])[6:] == ["0.500", "1.000"]


def test_arms_differ_in_looks_and_in_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(arm.looks, arm.sharing) for arm in ARMS.values()] == [
        (1, "after_first"),
        (2, "after_first"),
        (None, "after_first"),
        (None, "none"),
    ]
    assert Arm(2) not in arms_of("japanese_vowels")
    assert arms_of("digits", ["one", "each"]) == [Arm(1), Arm(None)]
    monkeypatch.setattr(first_perceiver, "TIMED_STEPS", 3)
    reached = train_arm("japanese_vowels", Arm(None), seed=0, seconds=1.0, small=True)
    # The recipe has two layers.
    assert (reached.looks, reached.steps) == (2, 2)
    assert 0.0 <= reached.accuracy <= 1.0
