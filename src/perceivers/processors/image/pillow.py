"""Pictures to pixel values with Pillow: equal to Transformers' Pillow processor to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from perceivers.processors.image.arguments import ImageOptions
from perceivers.processors.image.base import BaseImageProcessor


class PerceiverImageProcessor(BaseImageProcessor):
    """Centre crop, resize to 224 x 224, [0, 1], ImageNet mean and std: what the image classifiers were trained on.

    By default the middle 224/256 of the shorter side is kept and resized with Pillow's bicubic filter.
    `crop_mode="deepmind"` follows DeepMind's own ImageNet evaluation instead (deepmind-research,
    `perceiver/train/dataset.py`): the crop is rounded as there, and resized like TensorFlow's bicubic
    without antialiasing, overshoots kept.

    Options, what pictures may be, and the result: `BaseImageProcessor.preprocess` and `ImageOptions`.

    Example:
        processor = PerceiverImageProcessor()
        inputs = processor(picture, return_tensors="pt").pixel_values  # [1, 3, 224, 224]
    """

    _takes_batches = False

    @staticmethod
    def _resize_bytes(batch: Tensor, height: int, width: int, resample: int) -> Tensor:
        if batch.shape[1] not in (1, 2, 3, 4):
            # Pillow has no pictures of more channels; each channel is a picture of its own.
            resized = [
                PerceiverImageProcessor._resize_bytes(batch[:, channel, None], height, width, resample)
                for channel in range(batch.shape[1])
            ]
            return torch.cat(resized, dim=1)
        pictures = []
        for picture in batch.permute(0, 2, 3, 1).contiguous().numpy():
            grey = picture.shape[2] == 1
            image = Image.fromarray(picture[..., 0] if grey else picture)
            values = np.array(image.resize((width, height), resample=Image.Resampling(resample)))
            pictures.append(torch.from_numpy(values.reshape(height, width, -1)).permute(2, 0, 1))
        return torch.stack(pictures)

    @staticmethod
    def _working_device(options: ImageOptions) -> str | None:
        return "cpu"

    @staticmethod
    def _listed(picture: Tensor) -> Any:
        return picture.numpy()


PerceiverImageProcessorPil = PerceiverImageProcessor
