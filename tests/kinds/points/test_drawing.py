"""A set shaded by the attention over it: as a panel of a card, and as HTML."""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import MissingExtraError
from perceivers.kinds.cards import draw_cards
from perceivers.kinds.points.drawing import DARK, LAYOUT, ShownPoints, draw_set, picture_of, set_html


def some_points(
    num_coordinates: int = 2, num_features: int = 0, attention: np.ndarray | None = None
) -> ShownPoints:
    points = np.random.default_rng(0).uniform(-1, 1, (31, num_coordinates + num_features))
    return ShownPoints(points, np.full(31, 1.0 / 31.0) if attention is None else attention, num_coordinates)


def drawn(path: Path, shown: ShownPoints | None, count: int = 1) -> np.ndarray:
    draw_cards(
        count,
        path,
        LAYOUT,
        lambda figure, places, index: draw_set(figure, places[0], shown, f"folder/{index}.npy"),
        lambda axes, index: axes.set_axis_off(),
    )
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_the_picture_grows_by_rows_of_four_up_to_twenty_four(tmp_path: Path) -> None:
    one, five = (drawn(tmp_path / "p.png", some_points(), count).shape for count in (1, 5))
    assert five[1] == 4 * one[1]
    assert five[0] > one[0]
    # What is done with more than `most` is shown with the cards themselves.
    assert LAYOUT.most == 24


@pytest.mark.parametrize("num_coordinates", [1, 2, 3, 4])
def test_sets_of_any_number_of_coordinates_are_drawn(tmp_path: Path, num_coordinates: int) -> None:
    pixels = drawn(tmp_path / "p.png", some_points(num_coordinates))
    left = pixels[100:, : pixels.shape[1] // 2]
    assert (left < 200).any(axis=2).sum() > 100
    inline = np.asarray(picture_of(some_points(num_coordinates)))
    assert (inline < 200).any(axis=2).sum() > 100


def test_shades_follow_the_attention_and_sizes_the_first_feature(tmp_path: Path) -> None:
    plain = drawn(tmp_path / "a.png", some_points())
    falling = drawn(tmp_path / "b.png", some_points(attention=np.arange(31.0, 0.0, -1.0)))
    assert not np.array_equal(plain, falling)
    inked = [
        (drawn(tmp_path / "c.png", some_points(2, features)) < 200).any(axis=2).sum() for features in (0, 1)
    ]
    # Points are as large as the largest without a feature, and smaller by it with one.
    assert inked[1] < inked[0]


def test_an_absent_set_leaves_its_place_empty(tmp_path: Path) -> None:
    absent, present = drawn(tmp_path / "a.png", None), drawn(tmp_path / "b.png", some_points())
    assert (absent[100:] < 200).sum() < (present[100:] < 200).sum()
    assert set_html(None, "cloud") == ""


def test_html_is_an_inline_picture_whose_darkest_point_was_looked_at_most() -> None:
    places = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    html = set_html(ShownPoints(places, np.array([0.2, 0.7, 0.1]), 2), "cloud")
    (content,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    darkest = np.argwhere((pixels == DARK).all(axis=2))
    # y goes downwards: the second point is at the right below.
    assert darkest.min() > pixels.shape[0] // 2


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'`matplotlib`.*pip install "perceivers\[train\]"'):
        drawn(tmp_path / "p.png", some_points())
