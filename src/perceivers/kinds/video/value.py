"""A film as it is cut and varied."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perceivers.processors.video.clips import Film


@dataclass(frozen=True)
class FilmClip:
    """A film, and the clip that is looked at.

    Args:
        film: the whole film.
        start: first frame of the clip; None: it is not cut yet.
        loudness: factor of its sound.
    """

    film: Film
    start: int | None = None
    loudness: float = 1.0

    def vary(self, clip_frames: int, gain: float, generator: np.random.Generator) -> FilmClip:
        """A clip of `clip_frames` that begins anywhere, louder or softer by up to `gain` decibels, of either sign.

        A film that is shorter begins at its beginning.
        """
        loudness = 10.0 ** (generator.uniform(-gain, gain) / 20.0)
        sign = generator.choice((1.0, -1.0 if gain else 1.0))
        last = max(self.film.num_frames - clip_frames, 0)
        start = int(generator.integers(0, last, endpoint=True))
        return replace(self, start=start, loudness=float(loudness * sign))

    def spread(self, clip_frames: int, count: int) -> list[FilmClip]:
        """Clips that are spread over a film that is not cut yet; a clip stays itself."""
        if self.start is not None:
            return [self]
        return [replace(self, start=start) for start in clip_starts(self.film.num_frames, clip_frames, count)]


def clip_starts(num_frames: int, clip_frames: int, count: int) -> list[int]:
    """First frames of `count` clips, the first at the beginning and the last at the end; they may overlap. 1: the middle.

    All are the beginning of a film that is no longer than a clip.
    """
    last = max(num_frames - clip_frames, 0)
    if count == 1:
        return [last // 2]
    return [round(last * index / (count - 1)) for index in range(count)]
