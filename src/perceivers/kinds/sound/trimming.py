"""Silence before and after a sound, cut off."""

from __future__ import annotations

import numpy as np

# A moment is so long; so much is left before the first loud one and behind the last, where consonants begin and fade.
MOMENT_SECONDS, MARGIN_SECONDS = 0.01, 0.05


def without_silence(waveform: np.ndarray, sampling_rate: int, decibels: float) -> np.ndarray:
    """A sound from its first moment that is not silent to its last, with 50 ms around them.

    Args:
        waveform: [num_samples].
        sampling_rate: in Hz.
        decibels: moments of 10 ms whose mean energy lies further than this below the loudest one's are silent.

    Returns:
        A view of the sound; all of it where nothing in it sounds.
    """
    length = max(round(MOMENT_SECONDS * sampling_rate), 1)
    moments = np.pad(waveform, (0, -len(waveform) % length)).reshape(-1, length)
    energies = np.einsum("ij,ij->i", moments, moments)
    loudest = energies.max(initial=0.0)
    if loudest == 0.0:
        return waveform
    (loud,) = np.nonzero(energies >= loudest * 10.0 ** (-decibels / 10.0))
    margin = round(MARGIN_SECONDS * sampling_rate)
    begin = max(int(loud[0]) * length - margin, 0)
    return waveform[begin : int(loud[-1] + 1) * length + margin]
