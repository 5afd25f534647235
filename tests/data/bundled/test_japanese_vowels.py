"""JapaneseVowels from sktime's package data: its own two parts, as its file says."""

from __future__ import annotations

import importlib.metadata
from collections import Counter

import numpy as np
import pytest

from perceivers.data.bundled import japanese_vowels
from perceivers.errors import MissingExtraError


def test_the_parts_are_the_data_sets_own() -> None:
    parts = japanese_vowels.tables()
    assert {part: len(table) for part, table in parts.items()} == {"train": 270, "test": 370}
    # As the header of the file says: 30 utterances of each speaker to train with, 24 to 88 to test with.
    assert Counter(parts["train"].column("label")) == {str(speaker): 30 for speaker in range(1, 10)}
    counts = Counter(parts["test"].column("label"))
    assert (min(counts.values()), max(counts.values())) == (24, 88)


def test_a_row_holds_the_numbers_of_the_file() -> None:
    parts = japanese_vowels.tables()
    first = parts["train"][0]
    assert (first["series"].shape, first["series"].dtype) == ((20, 12), np.dtype(np.float32))
    # The beginning of the first data line, of its second channel, and its end.
    assert np.array_equal(first["series"][:2, 0], np.float32([1.860936, 1.891651]))
    assert np.array_equal(first["series"][:2, 1], np.float32([-0.207383, -0.193249]))
    assert first["label"] == "1"
    assert parts["test"].name(3) == "japanese-vowels/test-003"
    lengths = [len(series) for table in parts.values() for series in table.column("series")]
    assert (min(lengths), max(lengths)) == (7, 29)
    assert not any(np.isnan(series).any() for series in parts["train"].column("series"))


@pytest.mark.parametrize("present", [None, []])
def test_without_the_package_or_its_file_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, present: list[object] | None
) -> None:
    def found(name: str) -> list[object]:
        if present is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return present

    monkeypatch.setattr(japanese_vowels, "files", found)
    with pytest.raises(
        MissingExtraError, match=r"japanese-vowels` needs the package `sktime`.*perceivers\[samples\]"
    ):
        japanese_vowels.tables()
