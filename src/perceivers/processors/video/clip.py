"""A clip: what a film becomes before a model sees it, and clips as a batch of floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Clip:
    """A stretch of a film, ready for a model.

    Args:
        frames: [num_frames, 3, height, width] uint8; black without pictures.
        waveform: [num_samples] float32 in [-1, 1]; zeros without sound.
    """

    frames: np.ndarray
    waveform: np.ndarray


def frames_of(clips: Sequence[Clip | None], size: Sequence[int]) -> np.ndarray:
    """Frames float32 in [0, 1], [batch, *size]; black where there is no clip.

    Args:
        clips: with frames of `size`.
        size: frames, 3, height and width.
    """
    frames = np.zeros((len(clips), *size), np.float32)
    for row, clip in zip(frames, clips, strict=True):
        if clip is not None:
            np.divide(clip.frames, np.float32(255), out=row)
    return frames


def stacked(clips: Sequence[Clip]) -> dict[str, np.ndarray]:
    """`image` float32 [batch, frames, 3, height, width] in [0, 1], and `audio` float32 [batch, samples, 1] in [-1, 1].

    Args:
        clips: at least one; all of one size.
    """
    audio = np.stack([clip.waveform for clip in clips])[..., None]
    return {"image": frames_of(clips, clips[0].frames.shape), "audio": audio}
