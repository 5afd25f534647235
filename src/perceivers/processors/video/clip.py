"""A clip: what a film becomes before a model sees it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Clip:
    """A stretch of a film, ready for a model.

    Args:
        frames: [num_frames, 3, height, width] uint8; black without pictures.
        waveform: [num_samples] float32 in [-1, 1]; zeros without sound.
    """

    frames: Tensor
    waveform: Tensor
