"""How the sounds of mixed tables are heard, from their rates and lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from perceivers.kinds.sound.options import SoundOptions

HIGHEST_RATE = 16_000
SHORTEST, LONGEST = 0.25, 5.0
# Sounds at telephone rate have no more bands than this that differ.
BANDS_OF_SPEECH, SPEECH_RATE = 40, 8_000


def sound_options(seconds: Sequence[float], rates: Sequence[int]) -> SoundOptions:
    """Clips as long as nearly all sounds, up to 5 s, at their own rate, up to 16 kHz; a token every 40 ms.

    Args:
        seconds: lengths of some sounds; at least one.
        rates: their rates in Hz.
    """
    rate = min(max(rates), HIGHEST_RATE)
    length = float(np.clip(np.quantile(seconds, 0.95), SHORTEST, LONGEST))
    return SoundOptions(
        sampling_rate=rate,
        clip_seconds=math.ceil(20 * length) / 20,
        num_mel_bins=BANDS_OF_SPEECH if rate <= SPEECH_RATE else 64,
        frames_per_patch=4,
        noise=5.0,
        time_masks=2,
        frequency_masks=2,
    )
