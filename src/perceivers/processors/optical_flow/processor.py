"""Pairs of pictures to the optical flow model's input, and its output to pixels."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from perceivers.errors import DataError, ShapeError
from perceivers.processors.batch import ProcessedBatch
from perceivers.processors.image.reading import read_pictures
from perceivers.processors.image.values import value_range
from perceivers.processors.optical_flow.contrast import normalize_contrast
from perceivers.processors.optical_flow.settings import FLOW_SCALE, FlowSettings

_COLOURS = 3


class PerceiverOpticalFlowProcessor:
    """Two pictures to `inputs` [batch, 2, channels, height, width], and the model's output to flow in pixels.

    Every pixel carries its neighbourhood: `patch_size` x `patch_size` RGB values in [-1, 1], zeros beyond the border,
    ordered (patch row, patch column, colour): 27 channels for the released model. Sizes stay as they are: the model
    cuts large frames into tiles by itself.

    Args:
        patch_size: rows, and columns, of each pixel's neighbourhood.
        flow_scale: pixels for an output of 1.
        contrast_window: side of the window of `normalize_contrast`, odd, in pixels; 0 leaves values as they are, as the
            released model has them.

    Example:
        processor = PerceiverOpticalFlowProcessor()
        inputs = processor(first_picture, second_picture).inputs  # [1, 2, 27, height, width]
        flow = processor.post_process(model(inputs))  # [1, height, width, 2]: x and y, in pixels
    """

    model_input_names = ("inputs",)

    def __init__(self, patch_size: int = 3, flow_scale: float = FLOW_SCALE, contrast_window: int = 0) -> None:
        # Settings that cannot be are refused here.
        self.settings = FlowSettings(patch_size, flow_scale, contrast_window)
        self.patch_size = patch_size
        self.flow_scale = flow_scale
        self.contrast_window = contrast_window

    def __call__(
        self,
        first: Any,
        second: Any,
        *,
        value_interval: tuple[float, float] | None = None,
        input_data_format: str | None = None,
        device: torch.device | str | None = None,
    ) -> ProcessedBatch:
        """Turn pairs of pictures into `inputs`.

        Args:
            first: the earlier picture, or a list or batched array of them; any kind the image processor takes.
            second: the later ones, as many, of the same size.
            value_interval: lowest and highest value that float pictures can have. None: [0, 255] if one is beyond 1,
                [-1, 1] if one is negative, else [0, 1]. Whole-number pictures are bytes.
            input_data_format: of arrays: "channels_first", "channels_last"; None: seen from the shape.
            device: where the result lies; None: where the pictures are.

        Returns:
            A mapping with `inputs` [batch, 2, patch_size * patch_size * 3, height, width], float32.
        """
        frames = []
        for name, images in (("first", first), ("second", second)):
            try:
                pictures = read_pictures(
                    images, channels=3, convert_rgb=False, input_data_format=input_data_format, device=device
                )
            except DataError as error:
                raise DataError(f"`{name}`: {error}") from error
            frames.append([_signed(picture, value_interval) for picture in pictures])
        if len(frames[0]) != len(frames[1]):
            raise DataError(
                f"`first` and `second` must hold as many pictures, received {len(frames[0])} and {len(frames[1])}"
            )
        sizes = sorted({tuple(picture.shape[1:]) for side in frames for picture in side})
        if len(sizes) > 1:
            raise DataError(
                f"`first` and `second` must hold pictures of one size, received {sizes[0]} and {sizes[1]}: "
                "process pairs of different sizes one by one"
            )
        pairs = torch.stack([torch.stack(side) for side in frames], dim=1)
        return ProcessedBatch({"inputs": self.process_frames(pairs)})

    def process_frames(self, frames: Tensor) -> Tensor:
        """The model's input of frames that are tensors already.

        Args:
            frames: [batch, 2, 3, height, width], float, in [-1, 1].

        Returns:
            [batch, 2, patch_size * patch_size * 3, height, width].
        """
        if frames.ndim != 5 or frames.shape[1:3] != (2, _COLOURS) or not frames.is_floating_point():
            raise ShapeError(
                f"`frames` must be floating-point [batch, 2, {_COLOURS}, height, width], received {list(frames.shape)} "
                f"of {frames.dtype}"
            )
        if self.contrast_window:
            frames = normalize_contrast(frames, self.contrast_window)
        return neighbourhoods(frames, self.patch_size)

    def post_process(self, outputs: Any) -> Tensor:
        """Flow in pixels of the model's output.

        Args:
            outputs: what the model gave, or its `logits` [batch, height, width, 2].

        Returns:
            [batch, height, width, 2]: how far each pixel of the first picture moves right and down.
        """
        logits = outputs if isinstance(outputs, Tensor) else outputs.logits
        if logits.ndim != 4 or logits.shape[-1] != 2:
            raise ShapeError(
                f"`outputs` must have shape [batch, height, width, 2], received {list(logits.shape)}"
            )
        flow: Tensor = logits * self.flow_scale
        return flow

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the settings as `preprocessor_config.json` into `folder` (made if absent)."""
        replace(
            self.settings,
            patch_size=self.patch_size,
            flow_scale=self.flow_scale,
            contrast_window=self.contrast_window,
        ).save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> PerceiverOpticalFlowProcessor:
        """Read what `save_pretrained` wrote.

        Raises:
            CheckpointError: the file is absent, damaged, or another processor's.
        """
        settings = FlowSettings.from_pretrained(folder)
        return cls(settings.patch_size, settings.flow_scale, settings.contrast_window)


def neighbourhoods(frames: Tensor, patch_size: int) -> Tensor:
    """Each pixel's neighbourhood as channels, zeros beyond the border.

    Args:
        frames: [..., channels, height, width].
        patch_size: rows, and columns, of the neighbourhood; of an even number one more lies after the pixel.

    Returns:
        [..., patch_size * patch_size * channels, height, width], ordered (patch row, patch column, channel).
    """
    height, width = frames.shape[-2:]
    before, after = (patch_size - 1) // 2, patch_size // 2
    padded = functional.pad(frames, (before, after, before, after))
    shifted = [
        padded[..., row : row + height, column : column + width]
        for row in range(patch_size)
        for column in range(patch_size)
    ]
    return torch.cat(shifted, dim=-3)


def _signed(picture: Tensor, interval: tuple[float, float] | None) -> Tensor:
    """Values in [-1, 1] of bytes, or of floats in the given or evident interval."""
    if not picture.is_floating_point():
        return picture.float() / 255 * 2 - 1
    smallest, largest = float(picture.min()), float(picture.max())
    if interval is None:
        beyond_unit = largest > 1
        interval = (0.0, 255.0) if beyond_unit else (-1.0, 1.0) if smallest < 0 else (0.0, 1.0)
        if beyond_unit and largest <= 2 and value_range(picture) != "bytes":
            raise DataError(
                f"floats from {smallest:g} to {largest:g} are neither in [-1, 1] nor clearly in [0, 255]: give "
                "`value_interval`"
            )
    low, high = interval
    if not low < high or smallest < low or largest > high:
        raise DataError(
            f"float pictures must lie in [{low:g}, {high:g}], received {smallest:g} to {largest:g}: give "
            "`value_interval` if they mean another range"
        )
    return (picture.float() - low) / (high - low) * 2 - 1
