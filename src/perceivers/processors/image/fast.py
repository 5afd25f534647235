"""Pictures to pixel values in torch: batches of one size at once, on any device, with Pillow's own bytes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from perceivers.processors.image.arguments import ImageOptions
from perceivers.processors.image.base import BaseImageProcessor
from perceivers.processors.image.resize import resize_bytes


class PerceiverImageProcessorFast(BaseImageProcessor):
    """`PerceiverImageProcessor` in torch: pictures of one size are processed together, where they are or on `device`.

    Resizing repeats Pillow's whole-number arithmetic, so that both processors give the same values.
    Without `return_tensors` the result is a list of tensors.

    Options, what pictures may be, and the result: `BaseImageProcessor.preprocess` and `ImageOptions`.

    Example:
        processor = PerceiverImageProcessorFast(device="cuda")
        inputs = processor(pictures, return_tensors="pt").pixel_values  # [len(pictures), 3, 224, 224]
    """

    @staticmethod
    def _resize_bytes(batch: Tensor, height: int, width: int, resample: int) -> Tensor:
        return resize_bytes(batch, height, width, resample)

    @staticmethod
    def _working_device(options: ImageOptions) -> str | None:
        return options.device

    @staticmethod
    def _listed(picture: Tensor) -> Any:
        return picture
