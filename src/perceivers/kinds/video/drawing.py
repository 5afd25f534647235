"""Films as people look at them: a frame and the sound around it, and where an answer looked and listened."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from perceivers.kinds.cards import INK, PALE, CardLayout, title_card
from perceivers.kinds.sound.drawing import HeardSound, attention_pixels, draw_wave, sound_html

FILM_CARD = CardLayout(
    noun="films",
    titles=("frame, red where the answer looked", "sound around it, red where it listened"),
    most=24,
    columns=3,
    width=6.0,
    height=1.9,
    parts=(1.0, 1.2),
    answer_part=1.4,
    parts_gap=0.15,
    cards_gap=0.5,
)


@dataclass(frozen=True)
class SeenFilm:
    """A frame of a film, and the sound of the clip around it.

    Args:
        frame: uint8 [height, width, 3]; None where the film has no pictures.
        weights: [rows, columns], attention to the patches of the frame.
        sound: None where the film has none.
    """

    frame: np.ndarray | None
    weights: np.ndarray
    sound: HeardSound | None


def draw_film(figure: Any, places: Sequence[Any], film: SeenFilm, source: str) -> None:
    """Draw the frame into the first place and the wave into the second."""
    frame, wave = (figure.add_subplot(place) for place in places)
    title_card(frame, source, 24)
    if film.frame is None:
        _say(frame, "no pictures")
    else:
        height, width = film.frame.shape[:2]
        frame.imshow(film.frame, interpolation="nearest")
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        frame.imshow(attention_pixels(film.weights), interpolation="nearest", extent=extent)
    if film.sound is None:
        _say(wave, "no sound")
    else:
        draw_wave(wave, film.sound, 1.0, PALE)
    for axes in (frame, wave):
        axes.set_xticks([])
        axes.set_yticks([])


def film_html(film: SeenFilm) -> str:
    """The frame, and a player of the sound."""
    parts = []
    if film.frame is not None:
        stored = io.BytesIO()
        Image.fromarray(film.frame).save(stored, "PNG")
        encoded = base64.b64encode(stored.getvalue()).decode("ascii")
        parts.append(f'<img alt="a frame" src="data:image/png;base64,{encoded}">')
    if film.sound is not None:
        parts.append(sound_html(film.sound))
    return "\n".join(parts)


def _say(axes: Any, words: str) -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, transform=axes.transAxes)
