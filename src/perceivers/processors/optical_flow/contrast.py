"""Local contrast normalisation of a pair of frames: what is bright, dark or faint counts as much as all else.

Motion shows in how a frame varies, not in how bright it is, and most of a picture's energy is brightness that varies
slowly. Taking the mean out of every neighbourhood and dividing by its contrast leaves what motion is seen by. Both frames
are changed alike, by the statistics of both together, so that a point keeps its looks from one frame to the other.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from perceivers.processors.optical_flow.settings import LEAST_CONTRAST


def normalize_contrast(frames: Tensor, window: int) -> Tensor:
    """Take the local mean out and divide by the local standard deviation.

    Args:
        frames: [batch, 2, channels, height, width], in [-1, 1].
        window: side of the square around each pixel, odd, in pixels; the part inside the frame counts.

    Returns:
        The same shape. At each pixel, every channel has its own mean, over both frames; the standard deviation is one for all
        channels.
    """
    mean = _local_mean(frames.mean(dim=1), window)
    square = _local_mean(frames.square().mean(dim=1), window)
    variance = (square - mean.square()).mean(dim=1, keepdim=True).clamp(min=0.0)
    normalized: Tensor = (frames - mean[:, None]) / (variance.sqrt() + LEAST_CONTRAST)[:, None]
    return normalized


def _local_mean(pictures: Tensor, window: int) -> Tensor:
    """[batch, channels, height, width]; at the border over the pixels that there are."""
    return functional.avg_pool2d(pictures, window, stride=1, padding=window // 2, count_include_pad=False)
