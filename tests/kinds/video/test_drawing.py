"""Films drawn, also those without pictures or sound, with the attention over them."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from perceivers.kinds.cards import draw_cards
from perceivers.kinds.sound.drawing import HeardSound
from perceivers.kinds.video.drawing import FILM_CARD, SeenFilm, draw_film, film_html

FRAME = np.full((8, 8, 3), 200, dtype=np.uint8)
WAVE = HeardSound(np.linspace(-0.5, 0.5, 100, dtype=np.float32), 1_000, np.array([0.0, 1.0]), 0.0, 0.05)


def film(frame: np.ndarray | None = FRAME, sound: HeardSound | None = WAVE, top: float = 0.0) -> SeenFilm:
    return SeenFilm(frame, np.array([[top, top], [0.0, 0.0]]), sound)


def picture(path, shown: SeenFilm) -> np.ndarray:
    pytest.importorskip("matplotlib")
    draw_cards(
        1,
        path,
        FILM_CARD,
        lambda figure, places, index: draw_film(figure, places, shown, "films/one.mp4"),
        lambda axes, index: axes.set_axis_off(),
    )
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_what_a_film_lacks_is_said_instead_of_drawn(tmp_path):
    shown = (film(), film(sound=None), film(frame=None))
    pictures = [picture(tmp_path / "x.png", each).tobytes() for each in shown]
    assert len(set(pictures)) == 3


def test_the_frame_is_red_where_the_answer_looked(tmp_path):
    plain, looked = (picture(tmp_path / "x.png", film(top=top)) for top in (0.0, 0.7))
    rows, columns = np.nonzero((plain != looked).any(axis=2))
    frame = np.flatnonzero(((plain == 200).all(axis=2)).sum(axis=1) > 50)
    assert abs(rows.min() - frame.min()) <= 1
    assert abs(rows.max() - (frame.min() + frame.max()) / 2) <= 1, "the upper half alone"
    red = looked[(rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2]
    # 0.6 of d1495b and 0.4 of c8c8c8.
    assert red.tolist() == pytest.approx([205, 124, 135], abs=2)


def test_a_page_has_the_frame_and_a_player():
    html = film_html(film())
    content = html.split("data:image/png;base64,")[1].split('"')[0]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), FRAME)
    assert "<audio" in html
    assert "<img" not in film_html(film(frame=None))
    assert "<audio" not in film_html(film(sound=None))
