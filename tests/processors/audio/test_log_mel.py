"""Log-mel spectrograms: the scales, the bands, and energies of sounds whose spectrum is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.processors.audio.mel import filter_bank


def sine(frequency, rate, num_samples, amplitude=1.0):
    return amplitude * torch.sin(
        2 * math.pi * frequency * torch.arange(num_samples, dtype=torch.float64) / rate
    )


def test_a_full_sine_wave_has_the_energy_one_at_its_frequency():
    # Band 1 has its middle at 400 Hz, and the window's main lobe reaches to the neighbouring frequencies, 100 Hz away, with a
    # quarter of the energy: 1 + 2 * 0.5 * 0.25.
    waveform = sine(400, 1600, 161)
    received = log_mel_spectrogram(
        waveform, 1600, num_mel_bins=3, window_length=16, hop_length=7, fft_size=16, mel_scale="slaney"
    )
    assert received.shape == (1 + 161 // 7, 3)
    assert received.dtype == torch.float64
    assert received[11, 1].item() == pytest.approx(math.log(1.25))
    quiet = log_mel_spectrogram(
        waveform / 10, 1600, num_mel_bins=3, window_length=16, hop_length=7, fft_size=16, mel_scale="slaney"
    )
    assert quiet[11, 1].item() == pytest.approx(math.log(1.25 / 100), abs=1e-5)


def test_silence_is_the_floor():
    received = log_mel_spectrogram(torch.zeros(2, 3, 500), 8000, num_mel_bins=5, floor=1e-3)
    assert received.shape == (2, 3, 1 + 500 // 80, 5)
    torch.testing.assert_close(received, torch.full_like(received, math.log(1e-3)))


@pytest.mark.parametrize(("window", "size"), [(64, 64), (50, 64), (37, 128)])
def test_energies_are_those_of_numpys_fourier_transform(window, size):
    torch.manual_seed(0)
    waveform = torch.randn(403, dtype=torch.float64).clamp(-1, 1)
    options = {"num_mel_bins": 7, "window_length": window, "hop_length": 13, "fft_size": size}
    received = log_mel_spectrogram(waveform, 1000, **options, floor=1e-9)
    # The window in the middle of the transform, frame t around sample 13 t, silence beyond the ends.
    placed = np.zeros(size)
    start = (size - window) // 2
    placed[start : start + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(waveform.numpy(), size // 2)
    frames = np.stack([padded[13 * t : 13 * t + size] * placed for t in range(1 + 403 // 13)])
    energies = np.abs(np.fft.rfft(frames) * 2 / placed.sum()) ** 2
    expected = np.log(energies @ filter_bank(7, size, 1000) + 1e-9)
    np.testing.assert_allclose(received.numpy(), expected, atol=1e-9)


def test_windows_are_25_milliseconds_and_hops_10():
    waveform = torch.randn(4000).clamp(-1, 1)
    received = log_mel_spectrogram(waveform, 16_000, num_mel_bins=11)
    expected = log_mel_spectrogram(
        waveform, 16_000, num_mel_bins=11, window_length=400, hop_length=160, fft_size=512
    )
    assert received.shape == (26, 11)
    assert torch.equal(received, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_mel_bins": 0}, "`num_mel_bins` must be at least 1, received 0"),
        (
            {"num_mel_bins": 300},
            r"`num_mel_bins` must leave .*received 300.*fewer bands or a larger `fft_size`",
        ),
        (
            {"window_length": 0},
            "`window_length` and `hop_length` must be at least 1 sample, received 0 and 160",
        ),
        ({"hop_length": 0}, "`window_length` and `hop_length` must be at least 1 sample, received 400 and 0"),
        ({"fft_size": 399}, "`fft_size` must be at least the 400 samples of the window, received 399"),
        ({"min_frequency": -1.0}, r"`min_frequency` and `max_frequency` must be in Hz.*received -1.0"),
        ({"max_frequency": 8001.0}, r"at most half the sampling rate \(8000\), received 0.0 and 8001.0"),
        ({"min_frequency": 500.0, "max_frequency": 400.0}, "received 500.0 and 400.0"),
        ({"mel_scale": "bark"}, r"`mel_scale` must be one of \('htk', 'slaney'\), received 'bark'"),
        ({"floor": 0.0}, "`floor` must be above 0, received 0.0"),
        ({"sampling_rate": 0}, "`sampling_rate` must be at least 1 Hz, received 0"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        log_mel_spectrogram(torch.zeros(1000), **{"sampling_rate": 16_000, **change})


@pytest.mark.parametrize("waveform", [torch.zeros(0), torch.tensor(0.5), torch.ones(9, dtype=torch.int16)])
def test_other_than_floating_point_samples_are_refused(waveform):
    with pytest.raises(ShapeError, match=r"`waveform` must be floating-point samples \[..., num_samples\]"):
        log_mel_spectrogram(waveform, 16_000)
