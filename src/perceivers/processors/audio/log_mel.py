"""Log-mel spectrograms of tensors: energies of sound by time and by pitch as ears tell it, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

from perceivers.errors import ShapeError
from perceivers.processors.audio.mel import FLOOR, filter_bank, frame_sizes, require_floor


def log_mel_spectrogram(
    waveform: Tensor,
    sampling_rate: int,
    *,
    num_mel_bins: int = 64,
    window_length: int | None = None,
    hop_length: int | None = None,
    fft_size: int | None = None,
    min_frequency: float = 0.0,
    max_frequency: float | None = None,
    mel_scale: str = "htk",
    floor: float = FLOOR,
) -> Tensor:
    """Natural logarithm of the energy in each mel band around each frame.

    Energies are those of a short-time Fourier transform with a periodic Hann window, scaled so that a sine wave of
    amplitude 1 has the energy 1 at its frequency, whatever the window's length.

    Args:
        waveform: floating-point samples [..., num_samples], in [-1, 1].
        sampling_rate: in Hz.
        num_mel_bins: number of bands.
        window_length: samples that a frame looks at; None: 25 ms.
        hop_length: samples between frames; None: 10 ms.
        fft_size: samples of the Fourier transform, the window lies in their middle; None: the next power of 2.
        min_frequency: lower end of the lowest band, in Hz.
        max_frequency: upper end of the highest band, in Hz; None: half the sampling rate.
        mel_scale: "htk" or "slaney", see `hertz_to_mel`.
        floor: energy added before the logarithm; 1e-8 is 80 dB below a full sine wave.

    Returns:
        [..., 1 + num_samples // hop_length, num_mel_bins], the waveform's dtype. Frame t is centred on sample
        t * hop_length; beyond its ends the sound is silent.

    Raises:
        ConfigurationError: an argument is out of range, or a band lies between two frequencies of the transform.
    """
    window_length, hop_length, fft_size = frame_sizes(sampling_rate, window_length, hop_length, fft_size)
    require_floor(floor)
    if not waveform.is_floating_point() or waveform.ndim == 0 or waveform.shape[-1] == 0:
        raise ShapeError(
            f"`waveform` must be floating-point samples [..., num_samples], received {list(waveform.shape)} of "
            f"{waveform.dtype}"
        )
    bank = filter_bank(num_mel_bins, fft_size, sampling_rate, min_frequency, max_frequency, mel_scale)
    # First the dtype: some devices have no float64.
    filters = torch.from_numpy(bank).to(waveform.dtype).to(waveform.device)
    window = torch.hann_window(window_length, dtype=waveform.dtype, device=waveform.device)
    lines = waveform.reshape(-1, waveform.shape[-1])
    spectrum = torch.stft(
        lines,
        n_fft=fft_size,
        hop_length=hop_length,
        win_length=window_length,
        window=window * (2 / window.sum()),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    # The squares of both parts cost a fifth of the square of the absolute value.
    energies = torch.view_as_real(spectrum).square().sum(dim=-1).transpose(1, 2) @ filters
    return (energies + floor).log().reshape(*waveform.shape[:-1], *energies.shape[1:])
