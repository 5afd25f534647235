"""The picture of confusions: names are drawn as they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.answers.confusions import draw_confusions


def test_names_of_classes_are_no_formulas(tmp_path: Path) -> None:
    counts = np.array([[3, 1, 0], [0, 5, 2], [0, 0, 7]])
    draw_confusions(counts, ["$", "$$", "$$$"], tmp_path / "dollars.png")
    draw_confusions(counts, ["$x$", r"$\frac$", "$$$"], tmp_path / "formulas.png")
    with Image.open(tmp_path / "dollars.png") as first, Image.open(tmp_path / "formulas.png") as second:
        # Letter by letter, these names are wider.
        assert np.asarray(first).shape == np.asarray(second).shape
        assert not np.array_equal(np.asarray(first), np.asarray(second))


def test_numbers_are_left_out_where_there_are_many_classes(tmp_path: Path) -> None:
    counts = np.eye(31, dtype=int)
    draw_confusions(counts, [f"class {index}" for index in range(31)], tmp_path / "many.png")
    with Image.open(tmp_path / "many.png") as picture:
        assert picture.size[0] == pytest.approx(120 * (0.42 * 31 + 2.4), abs=1)


def test_letters_that_the_font_lacks_are_drawn_without_a_warning(tmp_path: Path) -> None:
    # Warnings are errors here.
    draw_confusions(np.eye(2, dtype=int), ["a\tb", "\u4f60\U0001f600 caf\udce9"], tmp_path / "letters.png")
    assert (tmp_path / "letters.png").is_file()
