"""One picture in the place of a whole clip: the mean of all training frames, and the training frame nearest to the clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from perceivers.errors import DataError

#: Of a clip its mean frame [values], and its mean square, a scalar; both float64.
Moments = tuple[Tensor, Tensor]


def moments(clip: Tensor) -> Moments:
    """What the error of any still frame in the place of a clip follows from; the clip is float [frames, ...]."""
    frames = _flat(clip)
    return frames.mean(dim=0), frames.square().mean()


class StillFrames:
    """How far clips are from training frames that are shown all the time in their place.

    With values c of a clip, f of a frame and means over the clip, mean((c - f)^2) = mean(c^2) - 2 f mean(c) + f^2, so that
    of a clip its moments are enough, and of the training clips one is in memory at a time.

    Args:
        clips: moments of each clip, one or more, whose frames have one shape.
    """

    def __init__(self, clips: Sequence[Moments]) -> None:
        if not clips:
            raise DataError("`clips` must hold one clip or more, received none")
        self._means, self._squares = (torch.stack(each) for each in zip(*clips, strict=True))
        self._nearest = torch.full_like(self._squares, torch.inf)
        self._sum = torch.zeros_like(self._means[0])
        self._count = 0

    def show(self, clip: Tensor) -> None:
        """Take in the frames of a training clip, [frames, ...]."""
        frames = _flat(clip)
        self._nearest = torch.minimum(self._nearest, self._errors(frames).amin(dim=0))
        self._sum += frames.sum(dim=0)
        self._count += len(frames)

    @property
    def errors_of_mean(self) -> Tensor:
        """Mean squared error of the mean of all training frames in the place of each clip, float64 [clips]; NaN of none."""
        return self._errors((self._sum / self._count)[None])[0]

    @property
    def errors_of_nearest(self) -> Tensor:
        """Mean squared error of the training frame that is nearest to each clip, float64 [clips]; infinite of none.

        It is chosen with the clip in hand, so that it is a bound on repeating what was seen.
        """
        return self._nearest

    def _errors(self, frames: Tensor) -> Tensor:
        """[frames, clips] of frames [frames, values]."""
        products = frames @ self._means.T / frames.shape[1]
        return (self._squares - 2.0 * products + frames.square().mean(dim=1, keepdim=True)).clamp(min=0.0)


def _flat(clip: Tensor) -> Tensor:
    """[frames, values], as wide as differences of large sums need."""
    return clip.flatten(1).cpu().double()
