"""A picture and the attention over it: as panels of a card, and as HTML."""

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
from perceivers.kinds.image.drawing import (
    LAYOUT,
    ShownPicture,
    attended,
    draw_picture,
    picture_html,
    small,
)


def black(attention: np.ndarray | None = None) -> ShownPicture:
    weights = np.full((5, 7), 1.0 / 35.0) if attention is None else attention
    return ShownPicture(Image.new("RGB", (11, 13), (0, 0, 0)), weights)


def drawn(path: Path, shown: ShownPicture | None, count: int = 1) -> np.ndarray:
    draw_cards(
        count,
        path,
        LAYOUT,
        lambda figure, places, index: draw_picture(figure, places, shown, f"folder/{index}.png"),
        lambda axes, index: axes.set_axis_off(),
    )
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def right_only() -> np.ndarray:
    weights = np.zeros((5, 7))
    weights[:, 5:] = 0.1
    return weights


def test_the_picture_grows_by_rows_of_four_up_to_twenty_four(tmp_path: Path) -> None:
    one, five = (drawn(tmp_path / "p.png", black(), count).shape for count in (1, 5))
    assert five[1] == 4 * one[1]
    assert five[0] > one[0]
    # What is done with more than `most` is shown with the cards themselves.
    assert LAYOUT.most == 24


def test_attention_lights_up_its_own_side_of_a_black_picture(tmp_path: Path) -> None:
    centres = {}
    for side, weights in (("right", right_only()), ("left", right_only()[:, ::-1])):
        pixels = drawn(tmp_path / f"{side}.png", black(weights))
        # The palette's bright end is yellow: much red and green, less blue. White and grey are not.
        yellow = (pixels[..., 0] > 150) & (pixels[..., 1] > 120) & (pixels[..., 0] - pixels[..., 2] > 50)
        assert yellow.any()
        centres[side] = np.flatnonzero(yellow.any(axis=0)).mean()
    assert centres["right"] > centres["left"] + 10


def test_attention_of_zero_everywhere_is_drawn_dark(tmp_path: Path) -> None:
    pixels = drawn(tmp_path / "p.png", black(np.zeros((5, 7))))
    assert (pixels.max(axis=2) < 60).any()
    assert np.asarray(attended(black(np.zeros((5, 7))))).max() == 0


def test_an_absent_picture_leaves_its_places_empty(tmp_path: Path) -> None:
    absent, present = drawn(tmp_path / "a.png", None), drawn(tmp_path / "b.png", black())
    assert (absent < 60).all(axis=2).sum() < (present < 60).all(axis=2).sum()
    assert picture_html(None, "photo") == ""


def test_html_holds_the_picture_and_its_attention_inline() -> None:
    html = picture_html(black(right_only()), 'a "photo"')
    contents = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    plain, over = (np.asarray(Image.open(io.BytesIO(base64.b64decode(each)))) for each in contents)
    assert plain.max() == 0
    assert over.shape == (13, 11, 3)
    # The accent's red on the right alone, three quarters of 209.
    assert abs(int(over[6, -1, 0]) - 157) <= 2
    assert over[6, 0].max() == 0
    assert "a &quot;photo&quot;" in html


def test_pictures_are_kept_small() -> None:
    assert small(Image.new("L", (640, 160))).size == (320, 80)
    image = Image.new("L", (320, 7))
    assert small(image) is image
    assert small(Image.new("L", (6400, 3))).size == (320, 1)


def test_missing_matplotlib_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'`matplotlib`.*pip install "perceivers\[train\]"'):
        drawn(tmp_path / "p.png", black())
