"""The sound of a stretch of a film at another rate, sample for sample what resampling the whole film gives.

Where a container rounds its times (Matroska and WebM: to a thousandth of a second) it may be off by half of that.
"""

from __future__ import annotations

import math

import numpy as np

from perceivers.processors.audio.mono import one_channel_of
from perceivers.processors.audio.polyphase import resampled
from perceivers.processors.video.decoding import Sound

# Samples around the stretch, at the lower of both rates, that the resampling filter looks at.
FILTER_REACH = 40


class SoundWindow:
    """Collects decoded sound and gives the samples from `first` on.

    Args:
        sampling_rate: of the result, in Hz.
        first: number of the first sample of the result, at that rate, from the film's first picture.
    """

    def __init__(self, sampling_rate: int, first: int) -> None:
        self._rate, self._first = sampling_rate, first
        self._pieces: list[np.ndarray] = []
        self._begin = 0
        self._from_rate = sampling_rate
        self._end_wanted: int | None = None

    @property
    def seconds_known(self) -> float:
        """Up to when, from the film's first picture, everything that the result needs has come."""
        if not self._pieces:
            return 0.0
        length = sum(len(piece) for piece in self._pieces)
        return (self._begin + length) / self._from_rate

    def add(self, sound: Sound) -> None:
        """Take the next piece; pieces follow each other without gaps."""
        if not self._pieces:
            self._from_rate = sound.sampling_rate
            self._begin = round(sound.time * sound.sampling_rate)
        self._pieces.append(one_channel_of(sound.samples, channel_axis=0, name="sound"))

    def resampled(self, num_samples: int) -> np.ndarray:
        """[num_samples] float32; silence where the film has none."""
        if not self._pieces or num_samples == 0:
            return np.zeros(num_samples, np.float32)
        common = math.gcd(self._from_rate, self._rate)
        down, up = self._from_rate // common, self._rate // common
        reach = FILTER_REACH * math.ceil(max(up / down, 1.0))
        # Whole turns of the filter's phases keep its samples where the whole film's are.
        turns = max(0, self._first - reach) // up
        begin = turns * down
        end = math.ceil((self._first + num_samples + reach) * down / up)
        known = np.concatenate(self._pieces)
        window = np.zeros(end - begin, np.float32)
        start, stop = max(begin, self._begin), min(end, self._begin + len(known))
        if start < stop:
            window[start - begin : stop - begin] = known[start - self._begin : stop - self._begin]
        offset = self._first - turns * up
        found = resampled(window, self._from_rate, self._rate)[offset : offset + num_samples]
        return np.clip(found, -1, 1)
