"""Log-mel spectrograms, as pure functions: energies of sound by time and by pitch as ears tell it."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError

MEL_SCALES = ("htk", "slaney")

# Slaney's scale (Auditory Toolbox, 1998): 200/3 Hz a mel up to 1,000 Hz, above it 27 mels for each factor of 6.4.
_LINEAR_STEP = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_STEP
_LOG_STEP = math.log(6.4) / 27


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
    floor: float = 1e-8,
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
    if not floor > 0:
        raise ConfigurationError(f"`floor` must be above 0, received {floor}")
    if not waveform.is_floating_point() or waveform.ndim == 0 or waveform.shape[-1] == 0:
        raise ShapeError(
            f"`waveform` must be floating-point samples [..., num_samples], received {list(waveform.shape)} of "
            f"{waveform.dtype}"
        )
    filters = mel_filter_bank(num_mel_bins, fft_size, sampling_rate, min_frequency, max_frequency, mel_scale)
    # First the dtype: some devices have no float64.
    filters = filters.to(waveform.dtype).to(waveform.device)
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


def frame_sizes(
    sampling_rate: int, window_length: int | None, hop_length: int | None, fft_size: int | None
) -> tuple[int, int, int]:
    """Window, hop and transform in samples, with what is None chosen as `log_mel_spectrogram` says."""
    if sampling_rate < 1:
        raise ConfigurationError(f"`sampling_rate` must be at least 1 Hz, received {sampling_rate}")
    window = max(round(0.025 * sampling_rate), 1) if window_length is None else window_length
    hop = max(round(0.010 * sampling_rate), 1) if hop_length is None else hop_length
    if window < 1 or hop < 1:
        raise ConfigurationError(
            f"`window_length` and `hop_length` must be at least 1 sample, received {window} and {hop}"
        )
    size = 2 ** (window - 1).bit_length() if fft_size is None else fft_size
    if size < window:
        raise ConfigurationError(
            f"`fft_size` must be at least the {window} samples of the window, received {size}"
        )
    return window, hop, size


@lru_cache(maxsize=32)
def mel_filter_bank(
    num_mel_bins: int,
    fft_size: int,
    sampling_rate: int,
    min_frequency: float = 0.0,
    max_frequency: float | None = None,
    mel_scale: str = "htk",
) -> Tensor:
    """How much each frequency of a Fourier transform counts in each mel band.

    Bands are triangles over Hz of height 1; each reaches from the middle of the band below it to that of the band above it,
    and the middles are evenly spaced in mel.

    Args:
        num_mel_bins: number of bands.
        fft_size: samples of the Fourier transform.
        sampling_rate: in Hz.
        min_frequency: see `log_mel_spectrogram`.
        max_frequency: see `log_mel_spectrogram`.
        mel_scale: see `hertz_to_mel`.

    Returns:
        float64 [fft_size // 2 + 1, num_mel_bins]; shared by all callers, not to be changed.
    """
    highest = sampling_rate / 2 if max_frequency is None else max_frequency
    if num_mel_bins < 1:
        raise ConfigurationError(f"`num_mel_bins` must be at least 1, received {num_mel_bins}")
    if not 0 <= min_frequency < highest <= sampling_rate / 2:
        raise ConfigurationError(
            "`min_frequency` and `max_frequency` must be in Hz, one below the other and at most half the sampling rate "
            f"({sampling_rate / 2:g}), received {min_frequency} and {highest}"
        )
    ends = hertz_to_mel(torch.tensor([min_frequency, highest], dtype=torch.float64), mel_scale)
    steps = torch.linspace(0, 1, num_mel_bins + 2, dtype=torch.float64)
    corners = mel_to_hertz(ends[0] + (ends[1] - ends[0]) * steps, mel_scale)
    frequencies = torch.arange(fft_size // 2 + 1, dtype=torch.float64)[:, None] * (sampling_rate / fft_size)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0)
    empty = (filters.amax(dim=0) == 0).nonzero().flatten().tolist()
    if empty:
        raise ConfigurationError(
            f"`num_mel_bins` must leave a frequency of the transform to every band, received {num_mel_bins}: bands {empty} "
            f"have none of the multiples of {sampling_rate / fft_size:g} Hz; take fewer bands or a larger `fft_size`"
        )
    return filters


def hertz_to_mel(hertz: Tensor, mel_scale: str = "htk") -> Tensor:
    """Frequencies in mel.

    Args:
        hertz: frequencies of at least 0, in Hz.
        mel_scale: "htk": 2595 log10(1 + f / 700) (O'Shaughnessy 1987, the HTK Book); "slaney": linear up to 1,000 Hz, then
            logarithmic (the Auditory Toolbox).
    """
    _require_scale(mel_scale)
    if mel_scale == "htk":
        return 2595 * torch.log10(1 + hertz / 700)
    above = _BREAK_MEL + torch.log(hertz.clamp(min=_BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return torch.where(hertz < _BREAK_HZ, hertz / _LINEAR_STEP, above)


def mel_to_hertz(mel: Tensor, mel_scale: str = "htk") -> Tensor:
    """The inverse of `hertz_to_mel`."""
    _require_scale(mel_scale)
    if mel_scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    above = _BREAK_HZ * torch.exp(_LOG_STEP * (mel.clamp(min=_BREAK_MEL) - _BREAK_MEL))
    return torch.where(mel < _BREAK_MEL, mel * _LINEAR_STEP, above)


def _require_scale(mel_scale: str) -> None:
    if mel_scale not in MEL_SCALES:
        raise ConfigurationError(f"`mel_scale` must be one of {MEL_SCALES}, received {mel_scale!r}")
