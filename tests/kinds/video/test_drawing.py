"""Films drawn, also those without pictures or sound, with the attention over them."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from perceivers.kinds.cards import draw_cards
from perceivers.kinds.image.drawing import ShownPicture
from perceivers.kinds.sound.drawing import HeardSound
from perceivers.kinds.video.drawing import FILM_CARD, SeenFilm, draw_film, film_html

FRAME = np.full((8, 8, 3), 200, dtype=np.uint8)
WAVE = HeardSound(np.linspace(-0.5, 0.5, 100, dtype=np.float32), 1_000, np.array([0.0, 1.0]), 0.0, 0.05)


def film(frame: np.ndarray | None = FRAME, sound: HeardSound | None = WAVE) -> SeenFilm:
    shown = (
        None if frame is None else ShownPicture(Image.fromarray(frame), np.array([[0.7, 0.7], [0.0, 0.0]]))
    )
    return SeenFilm(shown, sound)


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


def test_a_page_has_the_frame_the_attention_and_a_player():
    html = film_html(film(), "clip")
    content = html.split("data:image/png;base64,")[1].split('"')[0]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), FRAME)
    assert 'title="attention over clip"' in html
    assert "<audio" in html
    assert "<img" not in film_html(film(frame=None), "clip")
    assert "<audio" not in film_html(film(sound=None), "clip")
