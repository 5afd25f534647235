"""Pitch as ears tell it: the mel scale, its bands over the frequencies of a transform, and their energies as arrays."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from perceivers.errors import ConfigurationError, ShapeError

MEL_SCALES = ("htk", "slaney")
# Energy that is added before the logarithm: 80 dB below a full sine wave.
FLOOR = 1e-8
# Frames whose transforms are computed at once.
BLOCK_FRAMES = 256

# Slaney's scale (Auditory Toolbox, 1998): 200/3 Hz a mel up to 1,000 Hz, above it 27 mels for each factor of 6.4.
_LINEAR_STEP = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_STEP
_LOG_STEP = math.log(6.4) / 27

Floats = NDArray[np.float64]


def log_mel_energies(
    waveform: NDArray[Any],
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
) -> NDArray[Any]:
    """What `log_mel_spectrogram` gives, of one waveform as an array, without torch.

    Both round their Fourier transforms differently: where a band is silent beside a full sine wave, the logarithms may differ
    by some 1e-4, elsewhere by 1e-5.

    Args:
        waveform: floating-point samples [num_samples], in [-1, 1].
        sampling_rate: see `log_mel_spectrogram`, as all others.
        num_mel_bins: number of bands.
        window_length: in samples.
        hop_length: in samples.
        fft_size: in samples.
        min_frequency: in Hz.
        max_frequency: in Hz.
        mel_scale: "htk" or "slaney".
        floor: energy.

    Returns:
        [1 + num_samples // hop_length, num_mel_bins], the waveform's dtype.
    """
    window_length, hop_length, fft_size = frame_sizes(sampling_rate, window_length, hop_length, fft_size)
    require_floor(floor)
    if waveform.dtype.kind != "f" or waveform.ndim != 1 or not len(waveform):
        raise ShapeError(
            f"`waveform` must be floating-point samples [num_samples], received {list(waveform.shape)} of {waveform.dtype}"
        )
    filters = filter_bank(num_mel_bins, fft_size, sampling_rate, min_frequency, max_frequency, mel_scale)
    filters = filters.astype(waveform.dtype)
    window = _window(window_length, fft_size).astype(waveform.dtype)
    padded = np.zeros(len(waveform) + 2 * (fft_size // 2), waveform.dtype)
    padded[fft_size // 2 : fft_size // 2 + len(waveform)] = waveform
    frames = sliding_window_view(padded, fft_size)[::hop_length]
    found = []
    for begin in range(0, len(frames), BLOCK_FRAMES):
        spectrum = np.fft.rfft(frames[begin : begin + BLOCK_FRAMES] * window, axis=-1)
        found.append(np.square(spectrum.real) + np.square(spectrum.imag))
    return np.log(np.concatenate(found) @ filters + waveform.dtype.type(floor))


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


def require_floor(floor: float) -> None:
    """Raise ConfigurationError for a floor that leaves a logarithm without an end."""
    if not floor > 0:
        raise ConfigurationError(f"`floor` must be above 0, received {floor}")


@lru_cache(maxsize=32)
def filter_bank(
    num_mel_bins: int,
    fft_size: int,
    sampling_rate: int,
    min_frequency: float = 0.0,
    max_frequency: float | None = None,
    mel_scale: str = "htk",
) -> Floats:
    """How much each frequency of a Fourier transform counts in each mel band.

    Bands are triangles over Hz of height 1; each reaches from the middle of the band below it to that of the band above it,
    and the middles are evenly spaced in mel.

    Args:
        num_mel_bins: number of bands.
        fft_size: samples of the Fourier transform.
        sampling_rate: in Hz.
        min_frequency: lower end of the lowest band, in Hz.
        max_frequency: upper end of the highest band, in Hz; None: half the sampling rate.
        mel_scale: see `hertz_to_mel`.

    Returns:
        float64 [fft_size // 2 + 1, num_mel_bins]; shared by all callers, and not to be changed.

    Raises:
        ConfigurationError: an argument is out of range, or a band lies between two frequencies of the transform.
    """
    highest = sampling_rate / 2 if max_frequency is None else max_frequency
    if num_mel_bins < 1:
        raise ConfigurationError(f"`num_mel_bins` must be at least 1, received {num_mel_bins}")
    if not 0 <= min_frequency < highest <= sampling_rate / 2:
        raise ConfigurationError(
            "`min_frequency` and `max_frequency` must be in Hz, one below the other and at most half the sampling rate "
            f"({sampling_rate / 2:g}), received {min_frequency} and {highest}"
        )
    low, high = hertz_to_mel([min_frequency, highest], mel_scale)
    corners = mel_to_hertz(low + (high - low) * np.linspace(0, 1, num_mel_bins + 2), mel_scale)
    frequencies = np.arange(fft_size // 2 + 1)[:, None] * (sampling_rate / fft_size)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    filters = np.minimum(rising, falling).clip(min=0)
    empty = np.flatnonzero(filters.max(axis=0) == 0).tolist()
    if empty:
        raise ConfigurationError(
            f"`num_mel_bins` must leave a frequency of the transform to every band, received {num_mel_bins}: bands {empty} "
            f"have none of the multiples of {sampling_rate / fft_size:g} Hz; take fewer bands or a larger `fft_size`"
        )
    return filters


def hertz_to_mel(hertz: ArrayLike, mel_scale: str = "htk") -> Floats:
    """Frequencies in mel.

    Args:
        hertz: frequencies of at least 0, in Hz.
        mel_scale: "htk": 2595 log10(1 + f / 700) (O'Shaughnessy 1987, the HTK Book); "slaney": linear up to 1,000 Hz, then
            logarithmic (the Auditory Toolbox).
    """
    _require_scale(mel_scale)
    values = np.asarray(hertz, dtype=np.float64)
    if mel_scale == "htk":
        return 2595 * np.log10(1 + values / 700)
    above = _BREAK_MEL + np.log(np.maximum(values, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(values < _BREAK_HZ, values / _LINEAR_STEP, above)


def mel_to_hertz(mel: ArrayLike, mel_scale: str = "htk") -> Floats:
    """The inverse of `hertz_to_mel`."""
    _require_scale(mel_scale)
    values = np.asarray(mel, dtype=np.float64)
    if mel_scale == "htk":
        return 700 * (10 ** (values / 2595) - 1)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(values, _BREAK_MEL) - _BREAK_MEL))
    return np.where(values < _BREAK_MEL, values * _LINEAR_STEP, above)


@lru_cache(maxsize=32)
def _window(length: int, fft_size: int) -> Floats:
    """A periodic Hann window in the middle of a transform's samples; a sine wave of amplitude 1 has the energy 1 in it.

    It is shared by all callers, and not to be changed.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    before = (fft_size - length) // 2
    return np.pad(window * (2 / window.sum()), (before, fft_size - length - before))


def _require_scale(mel_scale: str) -> None:
    if mel_scale not in MEL_SCALES:
        raise ConfigurationError(f"`mel_scale` must be one of {MEL_SCALES}, received {mel_scale!r}")
