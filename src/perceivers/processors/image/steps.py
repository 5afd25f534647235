"""The single steps of an image processor, each for one picture: crop, resize, rescale, normalise, pad, to RGB."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.processors.image.arguments import ImageOptions, Size, size_mapping
from perceivers.processors.image.geometry import centre_box, deepmind_box, resized_shape
from perceivers.processors.image.reading import read_pictures
from perceivers.processors.image.resize import resize_tensorflow_bicubic
from perceivers.processors.image.values import (
    ValueRange,
    normalised,
    require_byte_range,
    rescaled,
    value_range,
)

# By their names in `numpy.pad`.
_PADDING_MODES = ("constant", "edge", "reflect", "wrap")


class ImageSteps(ABC):
    """What `preprocess` does one after another, one by one and with arguments of their own.

    A picture is [channels, height, width], as an array or tensor (`convert_to_rgb` takes whatever `preprocess` takes), and
    comes out as the processor lists pictures: an array, or a tensor from the fast processor.

    Attributes:
        options: what is done to a picture, and how.
    """

    options: ImageOptions

    def resize(self, image: Any, size: Size, resample: int | str | None = None) -> Any:
        """The picture at another size.

        Args:
            image: [channels, height, width], values as `preprocess` takes them.
            size: see `ImageOptions`.
            resample: filter by Pillow's number or name; None: bilinear, as in Transformers.
        """
        [picture] = self._read(image)
        options = self.options.changed(size=size, resample="bilinear" if resample is None else resample)
        kind = value_range(picture)
        if options.crop_mode == "transformers":
            require_byte_range(picture, kind, "image")
        return self._listed(self._resized(picture[None], kind, options)[0])

    def rescale(self, image: Any, scale: float) -> Any:
        """Values times `scale`, in float32.

        Args:
            image: [channels, height, width].
            scale: a number such as 1/255.
        """
        [picture] = self._read(image)
        return self._listed(rescaled(picture, scale))

    def normalize(self, image: Any, mean: float | Sequence[float], std: float | Sequence[float]) -> Any:
        """(values - mean) / std.

        Args:
            image: [channels, height, width].
            mean: one number, or one a channel.
            std: likewise, not 0.
        """
        [picture] = self._read(image)
        options = self.options.changed(image_mean=mean, image_std=std)
        return self._listed(normalised(picture[None], options.image_mean, options.image_std)[0])

    def center_crop(self, image: Any, size: Size, crop_size: Size | None = None) -> Any:
        """The middle part of `size / crop_size` of the shorter side; black where it is larger than the picture.

        Args:
            image: [channels, height, width].
            size: height and width, or one number for both.
            crop_size: what `size` is a part of; None: the processor's own.
        """
        [picture] = self._read(image)
        changes = {"size": size} if crop_size is None else {"size": size, "crop_size": crop_size}
        options = self.options.changed(**changes, do_center_crop=True, do_resize=False)
        options.check_together()
        return self._listed(self._cropped(picture, options))

    def pad(
        self,
        images: Sequence[Any],
        pad_size: Size | None = None,
        fill_value: float = 0,
        padding_mode: str = "constant",
        return_mask: bool = False,
    ) -> Any:
        """Pictures brought to one size by new pixels below and to the right.

        Args:
            images: pictures [channels, height, width].
            pad_size: height and width, or one number for both; None: those of the largest.
            fill_value: of the new pixels, for "constant".
            padding_mode: "constant", "edge", "reflect" or "wrap", as in `numpy.pad`.
            return_mask: also give masks [height, width] int64, 1 where a picture was.

        Returns:
            The list of pictures, or that and the list of masks.
        """
        if padding_mode not in _PADDING_MODES:
            choices = ", ".join(_PADDING_MODES)
            raise ConfigurationError(f"`padding_mode` must be one of {choices}, received {padding_mode!r}")
        pictures = [picture for image in images for picture in self._read(image)]
        if pad_size is None:
            height, width = (max(picture.shape[axis] for picture in pictures) for axis in (1, 2))
        else:
            sizes: Any = size_mapping("pad_size", pad_size, square=True) or {}
            if "height" not in sizes:
                raise ConfigurationError(f"`pad_size` must have height and width, received {pad_size}")
            height, width = sizes["height"], sizes["width"]
        padded, masks = [], []
        for picture in pictures:
            below, behind = height - picture.shape[1], width - picture.shape[2]
            if below < 0 or behind < 0:
                raise ShapeError(
                    f"`pad_size` must be at least as large as each picture, received {height} x {width} for one of "
                    f"{picture.shape[1]} x {picture.shape[2]} pixels"
                )
            padded.append(self._listed(_padded(picture, below, behind, padding_mode, fill_value)))
            mask = torch.zeros(height, width, dtype=torch.int64, device=picture.device)
            mask[: picture.shape[1], : picture.shape[2]] = 1
            masks.append(self._listed(mask))
        return (padded, masks) if return_mask else padded

    def convert_to_rgb(self, image: Any, input_data_format: str | None = None) -> Any:
        """The picture with the three channels red, green and blue, [3, height, width]; alpha lies on white.

        Args:
            image: one picture, as `preprocess` takes it.
            input_data_format: see `ImageOptions`.
        """
        [picture] = read_pictures(
            image,
            channels=3,
            convert_rgb=True,
            input_data_format=input_data_format,
            device=self._working_device(self.options),
        )
        return self._listed(picture)

    def _read(self, image: Any) -> list[Tensor]:
        return read_pictures(
            image,
            channels=None,
            convert_rgb=False,
            input_data_format="channels_first",
            device=self._working_device(self.options),
        )

    def _resized(self, batch: Tensor, kind: ValueRange, options: ImageOptions) -> Tensor:
        """Resize [batch, channels, height, width] in bytes; floats in [0, 1] go to bytes and back."""
        height, width = resized_shape(batch.shape[2], batch.shape[3], options.sizes)
        if options.crop_mode == "deepmind":
            return resize_tensorflow_bicubic(batch, height, width)
        if kind == "unit floats":
            batch = rescaled(batch, 255)
        elif kind == "byte floats":
            batch = batch.round()
        assert isinstance(options.resample, int)
        resized = self._resize_bytes(batch.to(torch.uint8), height, width, options.resample)
        return rescaled(resized, 1 / 255) if kind == "unit floats" else resized

    @staticmethod
    def _cropped(picture: Tensor, options: ImageOptions) -> Tensor:
        """The middle part of [channels, height, width]; black where the part is larger than the picture."""
        if not options.do_center_crop:
            return picture
        box = deepmind_box if options.crop_mode == "deepmind" else centre_box
        rows, columns = picture.shape[1:]
        top, left, height, width = box(rows, columns, options.sizes, options.crop_sizes)
        inside = picture[:, max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]
        above, before = max(-top, 0), max(-left, 0)
        below, after = height - above - inside.shape[1], width - before - inside.shape[2]
        if above or before or below or after:
            return F.pad(inside, (before, after, above, below))
        return inside

    @staticmethod
    @abstractmethod
    def _resize_bytes(batch: Tensor, height: int, width: int, resample: int) -> Tensor:
        """Resize [batch, channels, rows, columns] uint8."""

    @staticmethod
    @abstractmethod
    def _working_device(options: ImageOptions) -> str | None:
        """Where pictures are worked on; None: where they are."""

    @staticmethod
    @abstractmethod
    def _listed(picture: Tensor) -> Any:
        """One picture as it is given without `return_tensors`."""


def _padded(picture: Tensor, below: int, behind: int, mode: str, fill_value: float) -> Tensor:
    if mode == "constant":
        return F.pad(picture, (0, behind, 0, below), value=fill_value)
    # By index, because torch pads whole numbers with constants only, and mirrors no further than a picture is large.
    rows = _source_places(picture.shape[1], below, mode)
    columns = _source_places(picture.shape[2], behind, mode)
    return picture[:, rows.to(picture.device)][:, :, columns.to(picture.device)]


def _source_places(length: int, more: int, mode: str) -> Tensor:
    """For each place of a padded axis the place that its value comes from."""
    places = torch.arange(length + more)
    if mode == "edge":
        return places.clamp(max=length - 1)
    if mode == "wrap":
        return places % length
    period = max(2 * length - 2, 1)
    return (length - 1 - (places % period - (length - 1)).abs()).clamp(min=0)
