"""The picture of classified series is written for few and many channels, gaps, and any number of series."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import MissingExtraError
from perceivers.kinds.series.drawing import draw_series
from perceivers.tasks.base import Prediction


def prediction(channels: int, steps: int = 7) -> Prediction:
    series = np.random.default_rng(0).standard_normal((steps, channels)).astype(np.float32)
    values = {"label": "up", "probability": 0.7, "probabilities": {"up": 0.7, "down": 0.3}}
    return Prediction("folder/a.csv", values, {"series": series})


@pytest.mark.parametrize(("channels", "steps"), [(2, 7), (13, 7), (1, 1)])
def test_a_picture_has_ink_for_lines_and_for_colours(tmp_path: Path, channels: int, steps: int) -> None:
    draw_series([prediction(channels, steps)], tmp_path / "x.png")
    pixels = np.asarray(Image.open(tmp_path / "x.png").convert("RGB"))
    assert (pixels != 255).any(axis=-1).mean() > 0.01
    red = (pixels[..., 0] == 0xD1) & (pixels[..., 1] == 0x49)
    assert red.any(), "the answer's bar"


def test_gaps_are_drawn_as_gaps(tmp_path: Path) -> None:
    with_gap = prediction(3)
    with_gap.shown["series"][2, 1] = np.nan
    draw_series([with_gap], tmp_path / "x.png")
    assert (tmp_path / "x.png").is_file()


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="picture of predictions needs the package `matplotlib`"):
        draw_series([prediction(2)], tmp_path / "x.png")
