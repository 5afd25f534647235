"""The frames of a stretch of a film at another rate: for each frame the picture that is shown nearest to its time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from perceivers.processors.video.decoding import Picture


def whole_frames(seconds: float, frame_rate: float) -> int:
    """Frames that fit into so many seconds; a hair's breadth below a whole number counts as that."""
    return math.floor(seconds * frame_rate + 1e-3)


class FrameWindow:
    """Collects decoded pictures and gives the frames from `first` on.

    Args:
        frame_rate: of the result, in Hz.
        first: number of the first frame of the result, at that rate.
        count: frames that are wanted; None: up to the film's end.
        fit: brings a picture to the wanted size.
    """

    def __init__(
        self, frame_rate: float, first: int, count: int | None, fit: Callable[[Picture], np.ndarray]
    ) -> None:
        self._rate, self._first, self._count, self._fit = frame_rate, first, count, fit
        self._frames: list[np.ndarray] = []
        self._last: Picture | None = None
        self._last_fitted: np.ndarray | None = None

    @property
    def is_full(self) -> bool:
        """Whether all wanted frames are known."""
        return self._count is not None and len(self._frames) >= self._count

    def add(self, picture: Picture) -> None:
        """Take the next picture, in the order of their times."""
        if self._last is not None:
            # Half way between two pictures the later one takes over.
            self._show_until((self._last.time + picture.time) / 2)
        self._last, self._last_fitted = picture, None

    def until(self, num_frames: int) -> np.ndarray:
        """The frames [up to num_frames, ...]; none where no picture came."""
        if self._last is not None:
            self._count = num_frames
            self._show_until(math.inf)
        return np.stack(self._frames[:num_frames]) if self._frames else np.empty(0, np.uint8)

    def _show_until(self, time: float) -> None:
        while not self.is_full and (self._first + len(self._frames)) / self._rate < time - 1e-6:
            assert self._last is not None
            if self._last_fitted is None:
                self._last_fitted = self._fit(self._last)
            self._frames.append(self._last_fitted)
