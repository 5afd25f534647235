"""The mel scale, its bands, and that energies of arrays are those of tensors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.processors.audio.mel import filter_bank, hertz_to_mel, log_mel_energies, mel_to_hertz


def test_the_scales_are_those_of_their_sources():
    # HTK Book, equation 5.13: 2595 log10(1 + f / 700). Auditory Toolbox: 1,000 Hz is 15 mel, 6,400 Hz 27 mel further.
    hertz = [0.0, 700.0, 6300.0]
    expected = [0.0, 2595 * math.log10(2), 2595.0]
    assert hertz_to_mel(hertz, "htk").tolist() == pytest.approx(expected)
    hertz = [0.0, 200.0, 1000.0, 6400.0]
    assert hertz_to_mel(hertz, "slaney").tolist() == pytest.approx([0.0, 3.0, 15.0, 42.0])


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_mel_and_hertz_are_inverse(scale):
    hertz = [0.0, 37.0, 999.0, 1000.0, 1001.0, 11_025.0]
    assert mel_to_hertz(hertz_to_mel(hertz, scale), scale).tolist() == pytest.approx(hertz)


def test_bands_are_triangles_that_overlap_by_half():
    # Corners evenly spaced in Slaney's mel are evenly spaced in Hz below 1,000 Hz: 0, 200, 400, 600, 800 Hz.
    filters = filter_bank(3, 16, 1600, mel_scale="slaney")
    assert filters.shape == (9, 3)  # frequencies 0, 100, ..., 800 Hz
    expected = [
        [0, 0.5, 1, 0.5, 0, 0, 0, 0, 0],
        [0, 0, 0, 0.5, 1, 0.5, 0, 0, 0],
        [0, 0, 0, 0, 0, 0.5, 1, 0.5, 0],
    ]
    np.testing.assert_allclose(filters.T, expected, atol=1e-9)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize(("low", "high"), [(0.0, None), (125.0, 7500.0)])
def test_bands_agree_with_those_of_transformers(scale, low, high):
    audio_utils = pytest.importorskip("transformers.audio_utils")
    expected = audio_utils.mel_filter_bank(257, 29, low, high or 8000.0, 16_000, norm=None, mel_scale=scale)
    received = filter_bank(29, 512, 16_000, low, high, scale)
    np.testing.assert_allclose(received, expected, atol=1e-9)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_mel_bins": 29, "window_length": 301, "hop_length": 83, "fft_size": 600, "mel_scale": "slaney"},
        {"num_mel_bins": 7, "min_frequency": 125.0, "max_frequency": 3_000.0, "floor": 1e-5},
    ],
)
@pytest.mark.parametrize("count", [1, 8_011, 60_000])
def test_energies_of_an_array_are_those_of_a_tensor(settings, count):
    noise = np.random.default_rng(0).normal(size=count).clip(-1, 1).astype(np.float32)
    expected = log_mel_spectrogram(torch.from_numpy(noise), 8_000, **settings).numpy()
    received = log_mel_energies(noise, 8_000, **settings)
    assert (received.dtype, received.shape) == (np.float32, expected.shape)
    np.testing.assert_allclose(received, expected, atol=3e-5, rtol=0)


def test_silent_bands_beside_a_full_sine_wave_are_alike_too():
    wave = np.sin(np.arange(8_000) * 0.7).astype(np.float32)
    expected = log_mel_spectrogram(torch.from_numpy(wave), 8_000).numpy()
    # Of 18.4 from silence to the full sine wave.
    np.testing.assert_allclose(log_mel_energies(wave, 8_000), expected, atol=2e-4)


@pytest.mark.parametrize("wrong", [np.zeros(7, np.int16), np.zeros((2, 7)), np.zeros(0)])
def test_other_than_one_array_of_floats_is_refused(wrong):
    with pytest.raises(ShapeError, match=r"`waveform` must be floating-point samples \[num_samples\]"):
        log_mel_energies(wrong, 8_000)
