"""The hidden points of every clip, kept with an export: saved and loaded, and guessed from the nearest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perceivers.tasks.masked_autoencoding.pattern import Pattern

PATTERN = Pattern(
    {"visible_slots": np.array([0, 3])},
    {"image": np.array([False, True, True, False]), "audio": np.array([True, True])},
    {"image": np.array([0, 0, 3, 3]), "audio": np.array([], dtype=np.int64)},
)


def test_a_pattern_is_saved_and_loaded(tmp_path: Path) -> None:
    PATTERN.save(tmp_path)
    loaded = Pattern.load(tmp_path)
    for part in ("visible", "hidden", "nearest"):
        expected, received = getattr(PATTERN, part), getattr(loaded, part)
        assert list(received) == list(expected)
        for name, values in expected.items():
            assert np.array_equal(received[name], values)
            assert received[name].dtype == values.dtype


def test_the_nearest_visible_point_is_the_guess_and_the_mean_where_there_is_none() -> None:
    values = np.array([[2.0], [5.0], [5.0], [6.0]])
    assert PATTERN.nearest_values("image", values).ravel().tolist() == [2.0, 2.0, 6.0, 6.0]
    assert PATTERN.nearest_values("audio", values[:2]).ravel().tolist() == [3.5, 3.5]
