"""Sounds drawn and played: silence, one sample, many of them; attention where it belongs."""

from __future__ import annotations

import base64
import io
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import MissingExtraError
from perceivers.kinds.cards import draw_cards
from perceivers.kinds.sound.drawing import SOUND_CARD, HeardSound, attention_pixels, sound_html, wave_file
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.options import SoundOptions

RATE = 8_000


def heard(waveform: np.ndarray, weights: tuple[float, ...] = ()) -> HeardSound:
    return HeardSound(waveform, RATE, np.array(weights), 0.0, 0.05)


def tone(samples: int = 2_000) -> np.ndarray:
    return np.sin(np.arange(samples) * 0.5).astype(np.float32)


def picture(path: Path, sound: HeardSound, form: str = "log-mel") -> np.ndarray:
    pytest.importorskip("matplotlib")
    kind = SoundKind(SoundOptions(sampling_rate=RATE, num_mel_bins=20, input_form=form))  # type: ignore[arg-type]

    def draw(figure: Any, places: Any, index: int) -> None:
        kind.draw(figure, places, sound, "kennel/a.wav")

    draw_cards(1, path, SOUND_CARD, draw, lambda axes, index: axes.set_axis_off())
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "waveform", [tone(), np.zeros(2_000, dtype=np.float32), tone(1)], ids=["tone", "silence", "click"]
)
@pytest.mark.parametrize("form", ["log-mel", "raw"])
def test_a_picture_is_drawn_of_any_sound(tmp_path: Path, waveform: np.ndarray, form: str) -> None:
    pixels = picture(tmp_path / "x.png", heard(waveform), form)
    assert (pixels != 255).any(axis=-1).mean() > 0.05


def test_where_the_answer_listened_is_red(tmp_path: Path) -> None:
    waveform = np.zeros(2_000, dtype=np.float32)
    plain = picture(tmp_path / "plain.png", heard(waveform))
    early = picture(tmp_path / "early.png", heard(waveform, (1.0, 0.0, 0.0, 0.0, 0.0)))
    columns = np.flatnonzero((plain != early).any(axis=(0, 2)))
    width = plain.shape[1]
    # The sound fills the left two thirds of the card, and a fifth of it was listened to.
    assert 0 < columns.min() < 0.06 * width
    assert columns.max() < 0.2 * width
    rows = np.flatnonzero((plain != early).any(axis=(1, 2)))
    changed = early[(rows.min() + rows.max()) // 2 - 5, (columns.min() + columns.max()) // 2]
    assert changed[0] > changed[1] + 50


def test_weights_become_opaque_red() -> None:
    pixels = attention_pixels(np.array([[0.0, 0.1, 0.2]]))
    assert pixels[0, :, 3].tolist() == pytest.approx([0.0, 0.3, 0.6])
    assert attention_pixels(np.zeros((2, 3)))[..., 3].max() == 0.0


def played(html: str) -> tuple[int, np.ndarray]:
    content = html.split("base64,")[1].split('"')[0]
    with wave.open(io.BytesIO(base64.b64decode(content))) as file:
        return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def test_a_page_plays_the_sound_and_shades_where_the_answer_listened() -> None:
    html = sound_html(heard(tone(), (0.0, 0.5, 1.0)))
    rate, samples = played(html)
    assert rate == RATE
    assert np.abs(samples / 32767 - tone()).max() < 1e-4
    assert [share in html for share in ("0.00)", "0.28)", "0.55)")] == [True, True, True]
    assert "<span" not in sound_html(heard(tone()))


def test_of_long_sound_a_page_plays_what_was_heard() -> None:
    long = np.linspace(0.0, 1.0, 30 * RATE, dtype=np.float32)
    _, samples = played(sound_html(HeardSound(long, RATE, np.ones(2), 15.0, 0.5)))
    assert len(samples) == 10 * RATE
    assert samples[0] / 32767 == pytest.approx(0.5, abs=1e-3)


def test_wave_files_cut_off_what_is_too_loud() -> None:
    with wave.open(io.BytesIO(wave_file(np.array([2.0, -2.0]), RATE))) as file:
        assert np.frombuffer(file.readframes(2), dtype="<i2").tolist() == [32767, -32767]


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="picture of predictions needs the package `matplotlib`"):
        draw_cards(1, tmp_path / "x.png", SOUND_CARD, lambda *_: None, lambda *_: None)
