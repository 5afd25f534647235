"""The picture of classified sounds: silence, one sample, many of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import MissingExtraError
from perceivers.kinds.sound.drawing import draw_sounds
from perceivers.kinds.sound.features import SoundFeatures
from perceivers.tasks.audio_classification.options import AudioClassificationArguments
from perceivers.tasks.base import Prediction


def prediction(waveform: np.ndarray, form: str = "log-mel", label: str = "dog") -> Prediction:
    arguments = AudioClassificationArguments(sampling_rate=8_000, num_mel_bins=20, input_form=form)  # type: ignore[arg-type]
    values = {"label": label, "probability": 0.7, "probabilities": {"dog": 0.7, "cat": 0.6, "cow": 0.1}}
    return Prediction("kennel/a.wav", values, {"waveform": waveform, "features": SoundFeatures.of(arguments)})


def tone(samples: int = 2_000) -> np.ndarray:
    return np.sin(np.arange(samples) * 0.5).astype(np.float32)


@pytest.mark.parametrize(
    "waveform", [tone(), np.zeros(2_000, dtype=np.float32), tone(1)], ids=["tone", "silence", "click"]
)
@pytest.mark.parametrize("form", ["log-mel", "raw"])
def test_a_picture_is_drawn_of_any_sound(tmp_path: Path, waveform: np.ndarray, form: str) -> None:
    draw_sounds([prediction(waveform, form)], tmp_path / "x.png")
    pixels = np.asarray(Image.open(tmp_path / "x.png").convert("RGB"))
    assert (pixels != 255).any(axis=-1).mean() > 0.05


def test_every_label_that_is_given_has_the_colour_of_answers(tmp_path: Path) -> None:
    counts = []
    for label in ("dog", "dog, cat", ""):
        draw_sounds([prediction(tone(), label=label)], tmp_path / "x.png")
        pixels = np.asarray(Image.open(tmp_path / "x.png").convert("RGB"))
        counts.append(int(((pixels[..., 0] == 0xD1) & (pixels[..., 1] == 0x49)).sum()))
    assert counts[2] == 0
    assert 1.6 < counts[1] / counts[0] < 2.0, "0.7 and 0.6 against 0.7"


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="picture of predictions needs the package `matplotlib`"):
        draw_sounds([prediction(tone())], tmp_path / "x.png")
