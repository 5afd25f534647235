"""The picture of classified films: also of films without pictures or sound. Its cards: see test_cards.py."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from perceivers.kinds.video.drawing import draw_films
from perceivers.tasks.base import Prediction


def a_prediction(frame: bool = True, waveform: bool = True) -> Prediction:
    shown = {
        "frame": torch.full((3, 8, 8), 200, dtype=torch.uint8) if frame else None,
        "waveform": torch.linspace(-0.5, 0.5, 100) if waveform else None,
    }
    values = {"label": "dog", "probabilities": {"dog": 0.75, "cat": 0.25}}
    return Prediction("films/one.mp4", values, shown)


def test_what_a_film_lacks_is_said_instead_of_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    pictures = {}
    for name, kept in (("both", {}), ("deaf", {"waveform": False}), ("blind", {"frame": False})):
        draw_films([a_prediction(**kept)], tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            pictures[name] = picture.convert("RGB").copy()
    assert len({picture.tobytes() for picture in pictures.values()}) == 3
