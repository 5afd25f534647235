"""Columns, model and augmentation of `image-classification`."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require_at_least, require_share
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import left_open
from perceivers.kinds.image.options import ImageOptions


@left_open(ImageOptions, NetworkArguments, "label_smoothing", "mixup", "cutmix")
@dataclass(frozen=True, kw_only=True)
class ImageClassificationArguments(ImageOptions, NetworkArguments):
    """Columns, model and augmentation of `image-classification`: pixels with positions in, a label out."""

    image_column: str = "image"
    """Column of a table with the pictures: paths, or the content of files. Folders need none."""
    label_column: str = "label"
    """Column of a table with the classes."""
    qk_channels: int | None = 64
    """Channels of queries and keys of all attention layers. The few channels of a pixel with its position would be too
    narrow a question. None: those of the inputs in the cross-attention, those of the latents elsewhere, as in the papers."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes while training, in [0, 1)."""
    mixup: float = 0.0
    """Pictures and targets are averaged in pairs while training, in shares drawn from Beta(mixup, mixup); 0 averages none.
    The papers have 0.2. With `cutmix` too, each is done to half of the batch."""
    cutmix: float = 0.0
    """Rectangles of pictures are exchanged while training, and targets mixed, in shares drawn from Beta(cutmix, cutmix); 0
    exchanges none, 1 draws them evenly."""

    def __post_init__(self) -> None:
        NetworkArguments.__post_init__(self)
        ImageOptions.__post_init__(self)
        require_share(self, "label_smoothing")
        require_at_least(0, self, "mixup", "cutmix")
