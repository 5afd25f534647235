"""The picture of predictions: how many cards, and where the attention shows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import MissingExtraError
from perceivers.kinds.image.drawing import draw_predictions
from perceivers.tasks.base import Prediction


def predictions(count: int, attention: np.ndarray | None = None) -> list[Prediction]:
    ranked = {"a class with a long name": 0.9, "other": 0.1}
    values = {"label": "a class with a long name", "probability": 0.9, "probabilities": ranked}
    weights = np.full((5, 7), 1.0 / 35.0) if attention is None else attention
    shown = {"image": Image.new("RGB", (11, 13), (0, 0, 0)), "attention": weights}
    return [Prediction(f"folder/{index}.png", values, shown) for index in range(count)]


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_the_picture_grows_by_rows_of_four_up_to_twenty_four(tmp_path: Path) -> None:
    sizes = {}
    for count in (1, 4, 5, 24, 29):
        draw_predictions(predictions(count), tmp_path / "p.png")
        sizes[count] = size(tmp_path / "p.png")
    assert sizes[4][0] == 4 * sizes[1][0]
    assert sizes[5][0] == sizes[4][0]
    assert sizes[1][1] == sizes[4][1] < sizes[5][1] < sizes[24][1]
    assert sizes[29] == sizes[24]


def test_attention_lights_up_its_own_side_of_a_black_picture(tmp_path: Path) -> None:
    right_only = np.zeros((5, 7))
    right_only[:, 5:] = 0.1
    draw_predictions(predictions(1, right_only), tmp_path / "right.png")
    draw_predictions(predictions(1, right_only[:, ::-1]), tmp_path / "left.png")
    centres = {}
    for side in ("left", "right"):
        with Image.open(tmp_path / f"{side}.png") as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        # The palette's bright end is yellow: much red and green, less blue. White and grey are not.
        yellow = (pixels[..., 0] > 150) & (pixels[..., 1] > 120) & (pixels[..., 0] - pixels[..., 2] > 50)
        assert yellow.any()
        centres[side] = np.flatnonzero(yellow.any(axis=0)).mean()
    assert centres["right"] > centres["left"] + 10


def test_attention_of_zero_everywhere_is_drawn_dark(tmp_path: Path) -> None:
    draw_predictions(predictions(1, np.zeros((5, 7))), tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 0


def test_missing_matplotlib_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'`matplotlib`.*pip install "perceivers\[train\]"'):
        draw_predictions(predictions(1), tmp_path / "p.png")
