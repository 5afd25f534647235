"""The picture of classified sets: how many cards, and where the attention and the features show."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import MissingExtraError
from perceivers.kinds.points.drawing import draw_points_with_answers
from perceivers.tasks.base import Prediction


def predictions(
    count: int, num_coordinates: int = 2, num_features: int = 0, attention: np.ndarray | None = None
) -> list[Prediction]:
    ranked = {"a class with a long name": 0.9, "other": 0.1}
    values = {"label": "a class with a long name", "probability": 0.9, "probabilities": ranked}
    points = np.random.default_rng(0).uniform(-1, 1, (31, num_coordinates + num_features))
    weights = np.full(31, 1.0 / 31.0) if attention is None else attention
    shown = {"points": points, "attention": weights, "num_coordinates": num_coordinates}
    return [Prediction(f"folder/{index}.npy", values, shown) for index in range(count)]


def drawn(path: Path, *args: object, **kwargs: object) -> np.ndarray:
    draw_points_with_answers(predictions(*args, **kwargs), path)  # type: ignore[arg-type]
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_the_picture_grows_by_rows_of_four_up_to_twenty_four(tmp_path: Path) -> None:
    shapes = {count: drawn(tmp_path / "p.png", count).shape for count in (1, 4, 5, 24, 26)}
    assert shapes[4][1] == 4 * shapes[1][1]
    assert shapes[1][0] == shapes[4][0] < shapes[5][0] < shapes[24][0]
    assert shapes[26] == shapes[24]


@pytest.mark.parametrize("num_coordinates", [1, 2, 3, 4])
def test_sets_of_any_number_of_coordinates_are_drawn(tmp_path: Path, num_coordinates: int) -> None:
    pixels = drawn(tmp_path / "p.png", 1, num_coordinates)
    left = pixels[100:, : pixels.shape[1] // 2]
    assert (left < 200).any(axis=2).sum() > 100


def test_shades_follow_the_attention_and_sizes_the_first_feature(tmp_path: Path) -> None:
    plain = drawn(tmp_path / "a.png", 1)
    falling = drawn(tmp_path / "b.png", 1, attention=np.arange(31.0, 0.0, -1.0))
    assert not np.array_equal(plain, falling)
    inked = [(drawn(tmp_path / "c.png", 1, 2, features) < 200).any(axis=2).sum() for features in (0, 1)]
    # Points are as large as the largest without a feature, and smaller by it with one.
    assert inked[1] < inked[0]


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'`matplotlib`.*pip install "perceivers\[train\]"'):
        draw_points_with_answers(predictions(1), tmp_path / "p.png")
