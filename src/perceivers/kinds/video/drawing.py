"""One picture of classified films: each with a frame, its sound and the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perceivers.tasks.base import Prediction
from perceivers.tasks.cards import INK, PALE, Layout, draw_cards, draw_ranking, title_card

LAYOUT = Layout(
    most=24,
    columns=3,
    width=6.0,
    height=1.9,
    parts=(1.0, 1.2, 1.4),
    kind="films",
    parts_gap=0.15,
    cards_gap=0.5,
)


def draw_films(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 24 predictions as cards: a frame, the wave of the clip around it, the likeliest classes.

    Args:
        predictions: `values` with `label` and `probabilities` (name to probability, falling); `shown` with `frame` [3,
            height, width] uint8 and `waveform` [samples], each None where the film lacks it.
        path: picture to write.
    """
    draw_cards(predictions, path, LAYOUT, ("frame", "sound around it", "probability"), _draw_card)


def _draw_card(figure: Any, parts: Sequence[Any], prediction: Prediction) -> None:
    frame, wave, right = (figure.add_subplot(part) for part in parts)
    title_card(frame, prediction, 24)
    pixels, waveform = prediction.shown["frame"], prediction.shown["waveform"]
    if pixels is None:
        _say(frame, "no pictures")
    else:
        frame.imshow(pixels.permute(1, 2, 0).numpy(), interpolation="nearest")
    if waveform is None:
        _say(wave, "no sound")
    else:
        wave.plot(waveform.numpy(), color=PALE, linewidth=0.5)
        wave.set_ylim(-1.0, 1.0)
    for axes in (frame, wave):
        axes.set_xticks([])
        axes.set_yticks([])
    draw_ranking(right, prediction)


def _say(axes: Any, words: str) -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, transform=axes.transAxes)
