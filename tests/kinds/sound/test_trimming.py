"""Silence around a sound."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.kinds.sound.trimming import without_silence

RATE = 1_000


def test_silence_is_cut_off_up_to_fifty_milliseconds_around_the_sound():
    wave = np.zeros(2_003, dtype=np.float32)
    wave[700:900] = 0.5
    # A click that is 40 dB quieter counts for 50 dB, not for 30.
    wave[400:410] = 0.005
    assert without_silence(wave, RATE, 50.0).tolist() == wave[350:950].tolist()
    assert without_silence(wave, RATE, 30.0).tolist() == wave[650:950].tolist()


@pytest.mark.parametrize("samples", [1, 7, 40, 60])
def test_short_and_silent_sounds_stay_whole(samples):
    assert len(without_silence(np.zeros(samples), RATE, 50.0)) == samples
    assert len(without_silence(np.ones(samples), RATE, 50.0)) == samples
