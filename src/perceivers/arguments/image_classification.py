"""Model and augmentation of `image-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require, require_at_least, require_share
from perceivers.arguments.network import NetworkArguments


@dataclass(frozen=True, kw_only=True)
class ImageClassificationArguments(NetworkArguments):
    """Model and augmentation of `image-classification`: pixels with Fourier positions, a label out."""

    qk_channels: int | None = 64
    """Channels of queries and keys of all attention layers. The few channels of a pixel with its position would be too
    narrow a question. None: those of the inputs in the cross-attention, those of the latents elsewhere, as in the papers."""
    image_height: int = 16
    """Height of the model's input in pixels; pictures of any size are resized to it."""
    image_width: int = 16
    """Width of the model's input in pixels."""
    num_fourier_bands: int = 8
    """Frequencies an axis, from 1 to half the picture's size."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes, in [0, 1)."""
    shift: float = 0.1
    """Random shift while training, up to this share of the picture's size, in each direction."""
    rotation: float = 12.0
    """Random rotation while training, up to this many degrees, in each direction."""
    scale: float = 0.12
    """Random change of size while training, up to this share, larger or smaller; each axis has its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, self, "image_height", "image_width", "num_fourier_bands")
        require_share(self, "label_smoothing", "scale")
        require("shift", self.shift, 0.0 <= self.shift <= 1.0, "in [0, 1]")
        require("rotation", self.rotation, 0.0 <= self.rotation <= 180.0, "in [0, 180]")
