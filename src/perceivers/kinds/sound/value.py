"""A sound as it is varied, cut and made into tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perceivers.processors.audio.effects import crop, pad_around


@dataclass(frozen=True)
class Sound:
    """One sound.

    Args:
        waveform: float32 [num_samples] in [-1, 1], at the model's rate.
        time_bands: float64 [count, 2], begin and end of the stretches of time that are hidden, as shares of the sound.
        frequency_bands: the same of the frequency bands.
    """

    waveform: np.ndarray
    time_bands: np.ndarray | None = None
    frequency_bands: np.ndarray | None = None


def clip_starts(num_samples: int, clip_samples: int | None, count: int) -> list[float]:
    """Where the clips of a sound begin, as shares of what is left of it: 0 at the beginning, 1 so that it ends with it.

    Args:
        num_samples: of the sound.
        clip_samples: length of a clip; None hears the sound whole.
        count: clips of a sound that is longer than one, evenly spread; 1 gives the middle.
    """
    is_cut = clip_samples is not None and num_samples > clip_samples and count > 1
    return list(np.linspace(0.0, 1.0, count)) if is_cut else [0.5]


def cut_clips(waveform: np.ndarray, clip_samples: int | None, count: int) -> list[np.ndarray]:
    """Clips of equal length, evenly spread over a sound, the first at its beginning and the last at its end.

    Args:
        waveform: [samples]; a sound that is not longer than a clip lies in the middle of silence, in a single clip.
        clip_samples: length of a clip; None gives the sound whole.
        count: how many; 1 gives the middle.
    """
    if clip_samples is None:
        return [waveform]
    return [
        pad_around(crop(waveform, clip_samples, start), clip_samples, 0.5)
        for start in clip_starts(len(waveform), clip_samples, count)
    ]
