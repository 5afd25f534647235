"""Films as people look at them: a frame and the sound around it, and where an answer looked and listened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perceivers.kinds.cards import INK, PALE, CardLayout, title_card
from perceivers.kinds.image.drawing import ShownPicture, draw_picture, picture_html
from perceivers.kinds.sound.drawing import HeardSound, draw_wave, sound_html

FILM_CARD = CardLayout(
    noun="films",
    titles=(
        "frame",
        "attention of the answer over its pixels",
        "sound around it, red where the answer listened",
    ),
    most=24,
    columns=3,
    width=7.0,
    height=1.9,
    parts=(1.0, 1.0, 1.2),
    answer_part=1.4,
    parts_gap=0.15,
    cards_gap=0.5,
)


@dataclass(frozen=True)
class SeenFilm:
    """A frame of a film, and the sound of the clip around it.

    Args:
        picture: the frame, with the attention over it; None where the film has no pictures.
        sound: None where the film has none.
    """

    picture: ShownPicture | None
    sound: HeardSound | None


def draw_film(figure: Any, places: Sequence[Any], film: SeenFilm, source: str) -> None:
    """Draw the frame and the attention over it into the first two places and the wave into the third."""
    if film.picture is None:
        title_card(_say(figure.add_subplot(places[0]), "no pictures"), source, 24)
    else:
        draw_picture(figure, places[:2], film.picture, source)
    wave = figure.add_subplot(places[2])
    if film.sound is None:
        _say(wave, "no sound")
    else:
        draw_wave(wave, film.sound, 1.0, PALE)
    wave.set_xticks([])
    wave.set_yticks([])


def film_html(film: SeenFilm, name: str) -> str:
    """The frame with the attention over it, and a player of the sound."""
    sound = "" if film.sound is None else sound_html(film.sound)
    return "\n".join(filter(None, [picture_html(film.picture, name), sound]))


def _say(axes: Any, words: str) -> Any:
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, transform=axes.transAxes)
    axes.set_axis_off()
    return axes
