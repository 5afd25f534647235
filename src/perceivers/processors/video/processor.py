"""Videos to the model's input: so many frames, one size, values in [0, 1]; and back."""

from __future__ import annotations

import os
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from perceivers.errors import ConfigurationError, DataError, ShapeError
from perceivers.processors.batch import ProcessedBatch
from perceivers.processors.image.arguments import Size, size_mapping
from perceivers.processors.image.geometry import largest_box
from perceivers.processors.image.reading import read_pictures
from perceivers.processors.image.resize import resize_bytes
from perceivers.processors.video.files import read_video

FrameChoice = Literal["consecutive", "even"]


class PerceiverVideoProcessor:
    """Videos to `image` [batch, frames, 3, height, width] in [0, 1], and back.

    The defaults are those of the released multimodal model: 16 consecutive frames of 224 x 224 pixels, cut from the
    middle of the picture.

    Args:
        num_frames: frames of the result; a shorter video is filled up with its last frame (consecutive) or by
            showing frames longer (even).
        size: height and width in pixels, an int or a pair.
        frame_choice: "consecutive": from `start` on, in step with the sound; "even": spread over the whole video.
        do_center_crop: cut the largest middle part of the wanted proportions, instead of stretching.
        resample: filter by Pillow's number; 2: bilinear, antialiased.

    Example:
        processor = PerceiverVideoProcessor()
        image = processor(frames).image  # frames [num_frames, height, width, 3] uint8 -> [1, 16, 3, 224, 224]
        shown = processor.post_process(image)  # [1, 16, 224, 224, 3] uint8
    """

    model_input_names = ("image",)

    def __init__(
        self,
        num_frames: int = 16,
        size: Size = 224,
        *,
        frame_choice: FrameChoice = "consecutive",
        do_center_crop: bool = True,
        resample: int = 2,
    ) -> None:
        if num_frames < 1:
            raise ConfigurationError(f"`num_frames` must be at least 1, received {num_frames}")
        if frame_choice not in ("consecutive", "even"):
            raise ConfigurationError(
                f"`frame_choice` must be 'consecutive' or 'even', received {frame_choice!r}"
            )
        if resample not in range(6):
            raise ConfigurationError(
                f"`resample` must be one of Pillow's filters 0 to 5, received {resample}"
            )
        sizes = size_mapping("size", size, square=True)
        if sizes is None or "height" not in sizes:
            raise ConfigurationError(f"`size` must have height and width, received {size}")
        self.num_frames = num_frames
        self.height, self.width = sizes["height"], sizes["width"]
        self.frame_choice = frame_choice
        self.do_center_crop = do_center_crop
        self.resample = resample

    def __call__(
        self, video: Any, *, start: int = 0, device: torch.device | str | None = None
    ) -> ProcessedBatch:
        """Turn videos into `image`.

        Args:
            video: frames [num_frames, height, width, 3] or [num_frames, 3, height, width], a list of pictures, a file's path,
                or a list or batched array of such videos. Whole numbers are bytes; floats are [0, 1], or [0, 255] if
                one is beyond 1.
            start: first frame, when consecutive ones are taken.
            device: where the result lies; None: where the videos are.

        Returns:
            A mapping with `image` [batch, num_frames, 3, height, width], float32 in [0, 1].
        """
        videos = [
            self._one(entry, f"video[{position}]", start, device)
            for position, entry in enumerate(_videos(video))
        ]
        return ProcessedBatch({"image": torch.stack(videos)})

    def _one(self, video: Any, name: str, start: int, device: torch.device | str | None) -> Tensor:
        """One video as [num_frames, 3, height, width] in [0, 1]."""
        count = len(video)
        if count == 0:
            raise DataError(f"`{name}` must hold at least one frame, received none")
        chosen = frame_indices(count, self.num_frames, self.frame_choice, start)
        try:
            pictures = read_pictures([video[index] for index in chosen], channels=3, device=device)
        except DataError as error:
            raise DataError(f"`{name}`: {error}") from error
        if len({picture.shape for picture in pictures}) > 1:
            raise DataError(f"`{name}` must hold frames of one size, received several")
        frames = _bytes(torch.stack(pictures), name)
        if self.do_center_crop:
            frames = _largest_middle(frames, self.height, self.width)
        return resize_bytes(frames, self.height, self.width, self.resample).float() / 255

    def post_process(self, image: Tensor) -> Tensor:
        """Frames to show or store, of the model's output.

        Args:
            image: [batch, frames, 3, height, width], 0 black and 1 full; beyond is clipped.

        Returns:
            [batch, frames, height, width, 3] uint8.
        """
        if image.ndim != 5 or image.shape[2] != 3:
            raise ShapeError(
                f"`image` must have shape [batch, frames, 3, height, width], received {list(image.shape)}"
            )
        shown = (image.float().clamp(0, 1) * 255).round().to(torch.uint8)
        return shown.permute(0, 1, 3, 4, 2).contiguous()


def frame_indices(available: int, wanted: int, choice: FrameChoice, start: int = 0) -> list[int]:
    """Which frames are taken: consecutive ones from `start` (the last repeated), or the middles of equal parts."""
    if not 0 <= start < available:
        raise ConfigurationError(
            f"`start` must be a frame of the video, 0 to {available - 1}, received {start}"
        )
    if choice == "consecutive":
        return [min(start + step, available - 1) for step in range(wanted)]
    return [(2 * step + 1) * available // (2 * wanted) for step in range(wanted)]


def _videos(video: Any) -> list[Any]:
    """The single videos of what was given: a video has four axes, is a list of pictures, or a file."""
    if isinstance(video, str | os.PathLike):
        return [read_video(video).frames]
    if isinstance(video, list | tuple):
        if not video:
            raise DataError("`video` must hold at least one video, received none")
        first = video[0]
        if isinstance(first, Image.Image) or getattr(first, "ndim", 4) in (2, 3):
            return [video]
        return [single for entry in video for single in _videos(entry)]
    axes = getattr(video, "ndim", None)
    if axes not in (4, 5):
        shape = f"shape {list(video.shape)}" if axes is not None else type(video).__name__
        raise DataError(
            "`video` must be frames [num_frames, height, width, 3] or [num_frames, 3, height, width], a list of "
            f"pictures, or several of these, received {shape}"
        )
    return [video] if axes == 4 else list(video)


def _bytes(frames: Tensor, name: str) -> Tensor:
    """Frames as uint8; floats in [0, 1] or [0, 255] are rounded."""
    if not frames.is_floating_point():
        return frames
    smallest, largest = float(frames.min()), float(frames.max())
    if smallest < 0 or largest > 255 or 1 < largest <= 2:
        raise DataError(
            f"`{name}` must hold floats in [0, 1], or in [0, 255] and beyond 2 somewhere, received {smallest:g} to "
            f"{largest:g}"
        )
    return (frames * (255 if largest <= 1 else 1)).round().to(torch.uint8)


def _largest_middle(frames: Tensor, height: int, width: int) -> Tensor:
    """The largest middle part of [frames, channels, rows, columns] with the proportions of height and width."""
    rows, columns = frames.shape[2:]
    top, left, tall, wide = largest_box(rows, columns, height, width)
    return frames[:, :, top : top + tall, left : left + wide]
