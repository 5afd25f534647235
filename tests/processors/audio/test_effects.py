"""Random changes of sound, on waves whose result is known."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.processors.audio.effects import (
    add_noise,
    amplify,
    change_speed,
    change_speed_of_part,
    crop,
    draw_bands,
    pad_around,
    shift,
)

STEPS = np.float32([1, 2, 3, 4, 5]) / 10


def wave(length: int, cycles_per_sample: float) -> np.ndarray:
    """A sine with a smooth beginning and end."""
    times = np.arange(length)
    return (np.sin(2 * np.pi * cycles_per_sample * times) * np.sin(np.pi * times / length) ** 2).astype(
        np.float32
    )


@pytest.mark.parametrize("factor", [1.25, 0.8, 1.013])
def test_faster_sound_is_shorter_and_higher_by_the_factor(factor: float) -> None:
    changed = change_speed(wave(1_999, 0.05), factor)
    assert len(changed) == round(1_999 / factor)
    assert changed.dtype == np.float32
    # The same wave, written at the new pitch and length.
    times = np.arange(len(changed)) * 1_999 / len(changed)
    expected = np.sin(2 * np.pi * 0.05 * times) * np.sin(np.pi * times / 1_999) ** 2
    # A whole number of samples may be half a sample off at the end, which is 0.5 * 2 * pi * 0.05 of the wave.
    assert np.abs(changed - expected).max() < 0.08


def test_what_a_faster_sound_cannot_hold_is_removed_and_not_folded_back() -> None:
    # 0.45 cycles a sample would become 0.6, above the Nyquist frequency.
    changed = change_speed(wave(1_999, 0.45), 4 / 3)
    assert np.abs(changed).max() < 0.01


def test_the_end_does_not_ring_into_the_beginning() -> None:
    click = np.zeros(1_000, dtype=np.float32)
    click[-1] = 1.0
    assert np.abs(change_speed(click, 1.1)[:400]).max() < 5e-3


def test_unchanged_speed_gives_the_sound_itself() -> None:
    assert change_speed(STEPS, 1.0) is STEPS


def test_a_shift_lets_silence_in() -> None:
    assert shift(STEPS, 2).tolist() == pytest.approx([0, 0, 0.1, 0.2, 0.3])
    assert shift(STEPS, -2).tolist() == pytest.approx([0.3, 0.4, 0.5, 0, 0])
    assert np.array_equal(shift(STEPS, 0), STEPS)
    assert not shift(STEPS, 5).any()
    assert not shift(STEPS, -5).any()


def test_a_crop_lies_where_it_is_asked_to() -> None:
    assert crop(STEPS, 2, 0.0).tolist() == pytest.approx([0.1, 0.2])
    assert crop(STEPS, 2, 1.0).tolist() == pytest.approx([0.4, 0.5])
    assert crop(STEPS, 3, 0.5).tolist() == pytest.approx([0.2, 0.3, 0.4])
    assert crop(STEPS, 7, 0.5) is STEPS


def test_silence_lies_around_the_sound_as_it_is_asked_to() -> None:
    assert pad_around(STEPS[:2], 5, 0.0).tolist() == pytest.approx([0.1, 0.2, 0, 0, 0])
    assert pad_around(STEPS[:2], 5, 1.0).tolist() == pytest.approx([0, 0, 0, 0.1, 0.2])
    assert pad_around(STEPS[:1], 5, 0.5).tolist() == pytest.approx([0, 0, 0.1, 0, 0])
    assert pad_around(STEPS, 3, 0.5) is STEPS


def test_twenty_decibels_are_ten_times_the_amplitude_and_full_scale_is_kept() -> None:
    assert amplify(STEPS, -20.0).tolist() == pytest.approx((STEPS / 10).tolist())
    assert amplify(STEPS, 20.0).tolist() == [1.0] * 5


def test_noise_lies_the_asked_number_of_decibels_under_the_sound() -> None:
    generator = np.random.default_rng(0)
    sound, noise = wave(5_003, 0.05) * np.float32(0.2), generator.standard_normal(5_003).astype(np.float32)
    added = add_noise(sound, noise, 10.0) - sound
    assert float(np.mean(sound**2) / np.mean(added**2)) == pytest.approx(10.0, rel=1e-3)
    assert np.corrcoef(added, noise)[0, 1] == pytest.approx(1.0, abs=1e-4)


def test_silence_stays_silent() -> None:
    assert not add_noise(np.zeros(7, dtype=np.float32), np.ones(7, dtype=np.float32), 3.0).any()


def test_bands_are_inside_the_axis_and_no_wider_than_asked() -> None:
    bands = draw_bands(np.random.default_rng(0), 1_000, 0.3)
    widths = bands[:, 1] - bands[:, 0]
    assert bands.shape == (1_000, 2)
    assert bands.min() >= 0
    assert 0.95 < bands.max() <= 1
    assert 0.29 < widths.max() <= 0.3
    assert widths.min() >= 0
    assert draw_bands(np.random.default_rng(0), 0, 0.3).shape == (0, 2)


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.07])
@pytest.mark.parametrize("start", [0.0, 0.37, 1.0])
def test_a_part_played_faster_is_the_part_of_what_is_played_faster(factor: float, start: float) -> None:
    times = np.arange(20_000) / 8_000
    wave = np.float32(0.5 * np.sin(2 * np.pi * 180 * times) + 0.3 * np.sin(2 * np.pi * 410 * times + 1))
    expected = crop(change_speed(wave, factor), 3_000, start)
    received = change_speed_of_part(wave, factor, 3_000, start)
    assert (received.dtype, len(received)) == (np.float32, 3_000)
    # Less than a sample of delay: the tone of 410 Hz changes by a third within one.
    spectra = [np.fft.rfft(each[200:-200]) for each in (received, expected)]
    shared = np.abs(np.vdot(*spectra)) / np.prod([np.linalg.norm(each) for each in spectra])
    assert shared > 0.97
    assert np.array_equal(
        change_speed_of_part(wave[:3_100], factor, 3_000, start),
        crop(change_speed(wave[:3_100], factor), 3_000, start),
    )
