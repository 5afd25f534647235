"""Sound of a stretch at another rate: sample for sample what resampling the whole film gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from perceivers.processors.audio.resampling import resample
from perceivers.processors.video.decoding import Sound
from perceivers.processors.video.sound_window import SoundWindow

WHOLE = (0.3 * np.random.default_rng(0).standard_normal((1, 9000))).clip(-1, 1).astype(np.float32)


def window_of(rate: int, first: int, begin: int = 0, end: int = 9000) -> SoundWindow:
    """Film sound at 8 kHz, its samples from `begin` to `end` given in pieces of 700."""
    window = SoundWindow(rate, first)
    for start in range(begin, end, 700):
        window.add(Sound(start / 8000, WHOLE[:, start : min(start + 700, end)], 8000))
    return window


@pytest.mark.parametrize("rate", [8000, 2000, 12_000, 7350])
@pytest.mark.parametrize("first", [0, 501])
def test_a_stretch_is_a_stretch_of_the_whole(rate, first):
    whole = resample(torch.from_numpy(WHOLE[0]), 8000, rate).clamp(-1, 1).numpy()
    stretch = window_of(rate, first).resampled(300)
    assert np.allclose(stretch, whole[first : first + 300], atol=1e-5)


def test_only_what_lies_around_the_stretch_is_needed():
    # 2 kHz from sample 1000 on: second 0.5, sample 4000 of the film; 40 samples at 2 kHz are 160 of the film.
    whole = resample(torch.from_numpy(WHOLE[0]), 8000, 2000).clamp(-1, 1).numpy()
    stretch = window_of(2000, 1000, begin=3500, end=5600).resampled(300)
    assert np.allclose(stretch, whole[1000:1300], atol=1e-5)
    # Without the samples before it, its beginning is another one.
    late = window_of(2000, 1000, begin=4000, end=5600).resampled(300)
    assert not np.allclose(late[:5], whole[1000:1005], atol=1e-3)
    assert np.allclose(late[50:], whole[1050:1300], atol=1e-5)


def test_channels_are_averaged():
    window = SoundWindow(8000, 0)
    window.add(Sound(0.0, np.stack([np.full(90, 0.5), np.full(90, -0.1)]).astype(np.float32), 8000))
    assert np.allclose(window.resampled(50), 0.2)


def test_there_is_silence_where_the_film_has_no_sound():
    assert np.array_equal(SoundWindow(8000, 5).resampled(4), np.zeros(4))
    assert window_of(8000, 0).resampled(0).shape == (0,)
    assert np.array_equal(window_of(8000, 8990).resampled(20)[10:], np.zeros(10))


def test_it_is_known_how_far_the_sound_has_come():
    window = SoundWindow(2000, 0)
    assert window.seconds_known == 0.0
    assert window_of(2000, 0, begin=700, end=2800).seconds_known == pytest.approx(0.35)
