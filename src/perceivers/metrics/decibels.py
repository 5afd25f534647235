"""Ratios of plain numbers in decibels."""

from __future__ import annotations

import math

# Equal values have no finite ratio: 100 dB stand for them, an error of a hundred-thousandth of the peak.
HIGHEST_DECIBELS = 100.0


def decibels_of(signal: float, noise: float) -> float:
    """10 log10(signal / noise), at most 100 dB.

    Args:
        signal: a mean square, above 0.
        noise: a mean square.
    """
    return 10.0 * math.log10(signal / max(noise, signal * 10.0 ** (-HIGHEST_DECIBELS / 10.0)))
