"""The random change of one sound, within its bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from perceivers.kinds.sound import augmentation
from perceivers.kinds.sound.augmentation import vary_sound
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.value import Sound

# Nothing is changed.
STILL: dict[str, Any] = {
    "sampling_rate": 100,
    "clip_seconds": None,
    "shift": 0.0,
    "gain": 0.0,
    "speed": 0.0,
    "num_mel_bins": 5,
}
SOUND = np.float32(np.sin(np.arange(60) * 0.2) * 0.5)


def vary(seed: int, **chosen: Any) -> Sound:
    return vary_sound(
        Sound(SOUND),
        SoundOptions(**{**STILL, **chosen}),
        np.random.default_rng(seed),
    )


def test_without_any_change_the_sound_stays() -> None:
    assert vary(0).waveform is SOUND


def test_speed_changes_the_length_by_up_to_its_share() -> None:
    lengths = [len(vary(seed, speed=0.2).waveform) for seed in range(60)]
    assert 50 <= min(lengths) <= 52
    assert 70 <= max(lengths) <= 75


def test_a_clip_is_cut_anywhere_from_a_longer_sound() -> None:
    clips = [vary(seed, clip_seconds=0.2).waveform for seed in range(40)]
    assert {len(clip) for clip in clips} == {20}
    starts = {next(s for s in range(41) if np.array_equal(SOUND[s : s + 20], clip)) for clip in clips}
    assert len(starts) > 15
    assert min(starts) < 5
    assert max(starts) > 35


def test_a_shorter_sound_lies_in_the_middle_of_its_clip_give_or_take_the_shift() -> None:
    middle = vary(0, clip_seconds=1.0).waveform
    assert np.array_equal(middle[20:80], SOUND)
    begins = []
    for seed in range(40):
        shifted = vary(seed, clip_seconds=1.0, shift=0.15).waveform
        # Sample 1 is the first that is not silent.
        begins.append(int(np.flatnonzero(shifted)[0]) - 1)
        assert np.array_equal(shifted[begins[-1] : begins[-1] + 60], SOUND)
    assert 5 <= min(begins) < 10
    assert 30 < max(begins) <= 35


def test_gain_makes_louder_and_softer_by_up_to_its_decibels() -> None:
    ratios = [float(np.abs(vary(seed, gain=6.0).waveform).max() / np.abs(SOUND).max()) for seed in range(60)]
    assert 0.5 <= min(ratios) < 0.55
    assert 1.8 < max(ratios) <= 2.0


def test_half_of_the_sounds_have_noise_of_the_asked_ratio_or_less() -> None:
    ratios = []
    for seed in range(100):
        difference = vary(seed, noise=10.0).waveform - SOUND
        if difference.any():
            ratios.append(10 * np.log10(np.mean(SOUND**2) / np.mean(difference**2)))
    assert 35 < len(ratios) < 65
    assert 10 - 0.1 < min(ratios) < 14
    assert 36 < max(ratios) < 40.1


def test_hidden_bands_are_drawn_for_the_spectrogram() -> None:
    varied = vary(0, time_masks=2, time_mask_share=0.3, frequency_masks=3, frequency_mask_share=0.2)
    assert varied.time_bands is not None
    assert varied.frequency_bands is not None
    assert (varied.time_bands.shape, varied.frequency_bands.shape) == ((2, 2), (3, 2))
    assert np.ptp(varied.frequency_bands, axis=1).max() <= 0.2
    assert replace(varied, time_bands=None, frequency_bands=None) == Sound(SOUND)


def test_equal_generators_give_equal_sounds() -> None:
    chosen = {"speed": 0.1, "gain": 3.0, "noise": 0.0, "shift": 0.1}
    assert np.array_equal(vary(3, **chosen).waveform, vary(3, **chosen).waveform)
    assert not np.array_equal(vary(3, **chosen).waveform[:50], vary(4, **chosen).waveform[:50])
    assert augmentation.NOISE_RANGE == 30.0
