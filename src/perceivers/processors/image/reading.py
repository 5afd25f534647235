"""Any picture as one tensor [channels, height, width]: Pillow images of every mode, arrays, tensors, files, nested lists.

Values come out as bytes (uint8, [0, 255]), or as floats where floats were given. The rules, in full:

- Files are opened as `perceivers.processors.image.opening` says: first frame, upright, deep ones by the white of their mode.
- Pillow images are turned upright by their EXIF orientation. Grey, grey with alpha, RGB, RGBA, CMYK, YCbCr, HSV and
  LAB keep their channels; modes whose values mean nothing alone are read as what they show: 1-bit as grey 0 or 255,
  palettes as RGB or RGBA, premultiplied alpha as plain.
- Where RGB or grey is wanted, pictures with alpha are laid on white, other modes are converted by Pillow, and colour
  becomes grey by Pillow's luma.
- Pillow images of the modes of 16 bits are white at 65535, which becomes 255 (nearest byte), whatever their values. Whole
  numbers of all else in memory say by their values how deep they are, since Transformers takes them for bytes: from 0 to
  255 they are bytes, and a picture that reaches beyond 255 is 16-bit. Negative numbers, and more than 65535, are errors.
- Floats may lie in [0, 1] or in [0, 255]; NaN and infinity are errors.
- A three-axis array is one picture. Its channel axis has 1, 3 or 4 entries; if both ends do, the first is meant.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from perceivers.errors import DataError
from perceivers.processors.image.opening import SHOWN_AS, WHOLE_MODES, open_picture, plain_depth, upright

CHANNEL_COUNTS = (1, 3, 4)
# Pillow's weights of red, green and blue in 65,536ths (ITU-R 601-2 luma).
LUMA = (19595, 38470, 7471)


def read_pictures(
    images: Any,
    *,
    channels: int | None = None,
    convert_rgb: bool = False,
    input_data_format: str | None = None,
    device: torch.device | str | None = None,
) -> list[Tensor]:
    """Read one picture, or any nesting of lists, tuples and batched arrays of them, in order.

    Args:
        images: what a processor was given.
        channels: how many channels each must come out with; None: as many as it has.
        convert_rgb: whether Pillow images are made RGB by Pillow first.
        input_data_format: of arrays: "channels_first", "channels_last", "none"; None: seen from the shape.
        device: where the tensors are wanted; None: where they are.

    Returns:
        Tensors [channels, height, width], uint8 or floating point.
    """
    pictures = []
    for position, picture in enumerate(_flattened(images, "images")):
        tensor = read_picture(
            picture,
            f"images[{position}]",
            channels=channels,
            convert_rgb=convert_rgb,
            input_data_format=input_data_format,
        )
        pictures.append(tensor if device is None else tensor.to(device))
    if not pictures:
        raise DataError("`images` must hold at least one picture, received none")
    return pictures


def read_picture(
    picture: Any,
    name: str = "image",
    *,
    channels: int | None = None,
    convert_rgb: bool = False,
    input_data_format: str | None = None,
) -> Tensor:
    """Read one picture as [channels, height, width], uint8 or floating point.

    Args:
        picture: a Pillow image, array, tensor, nested lists of numbers, or the path of a file.
        name: what messages call it.
        channels: see `read_pictures`, like the others.
        convert_rgb: see `read_pictures`.
        input_data_format: see `read_pictures`.
    """
    if isinstance(picture, str | os.PathLike):
        name = str(picture)
        picture = open_picture(picture)
    if isinstance(picture, Image.Image):
        array = _pillow_values(picture, name, channels, convert_rgb)
        input_data_format = "channels_last" if array.ndim == 3 else "none"
        tensor = _array_values(array, name)
    elif isinstance(picture, Tensor):
        tensor = _tensor_values(picture.detach(), name)
    else:
        tensor = _array_values(np.asarray(picture), name)
    tensor = _channels_first(tensor, name, input_data_format)
    return tensor if channels is None else with_channels(tensor, channels, name)


def with_channels(picture: Tensor, channels: int, name: str = "image") -> Tensor:
    """Bring [channels, height, width] to 1 (grey), 3 (RGB), or the number it already has.

    Two channels are grey and alpha, four are RGB and alpha: what shines through is white. Grey is repeated for RGB.
    """
    received = picture.shape[0]
    if received == channels:
        return picture
    if received not in (1, 2, 3, 4) or channels not in (1, 3):
        raise DataError(f"`{name}` must have {channels} channels, received {received}")
    if received in (2, 4):
        picture = _on_white(picture[:-1], picture[-1:])
    if picture.shape[0] == 1:
        return picture.expand(channels, -1, -1)
    return picture if channels == 3 else _luma(picture)


def _on_white(colours: Tensor, alpha: Tensor) -> Tensor:
    """Colours [channels, height, width] over white, by alpha [1, height, width]; bytes are rounded as Pillow does."""
    if colours.is_floating_point():
        top = 1.0 if float(max(colours.max(), alpha.max())) <= 1 else 255.0
        share = alpha / top
        return colours * share + top * (1 - share)
    total = colours.int() * alpha.int() + 255 * (255 - alpha.int()) + 128
    return (((total >> 8) + total) >> 8).to(torch.uint8)


def _luma(colours: Tensor) -> Tensor:
    """Grey [1, height, width] of RGB; bytes are rounded as Pillow does."""
    exact = colours.cpu().double() if colours.is_floating_point() else colours.int()
    weighted: Tensor = LUMA[0] * exact[0] + LUMA[1] * exact[1] + LUMA[2] * exact[2]
    if colours.is_floating_point():
        return (weighted / 65536).to(colours.device, colours.dtype)[None]
    return ((weighted + 0x8000) >> 16).to(torch.uint8)[None]


def _flattened(images: Any, name: str) -> Iterator[Any]:
    """The single pictures of any nesting; arrays of more than three axes are batches."""
    if images is None:
        raise DataError(f"`{name}` must be a picture or a list of pictures, received None")
    if isinstance(images, list | tuple) and not _is_number_grid(images):
        for position, entry in enumerate(images):
            yield from _flattened(entry, f"{name}[{position}]")
    elif isinstance(images, np.ndarray | Tensor) and images.ndim > 3:
        for entry in images:
            yield from _flattened(entry, name)
    else:
        yield images


def _is_number_grid(values: Any) -> bool:
    """Whether nested lists are themselves the pixels of a picture."""
    while isinstance(values, list | tuple) and values:
        values = values[0]
    return isinstance(values, int | float)


def _pillow_values(
    picture: Image.Image, name: str, channels: int | None, convert_rgb: bool
) -> np.ndarray[Any, Any]:
    """[height, width] or [height, width, channels] of a Pillow image, in the mode that is wanted."""
    try:
        picture = upright(picture)
        if picture.mode in WHOLE_MODES and picture.mode != "I":
            picture = plain_depth(picture, f"`{name}`")
        if picture.mode in SHOWN_AS:
            see_through = picture.mode == "P" and "transparency" in picture.info
            picture = picture.convert("RGBA" if see_through else SHOWN_AS[picture.mode])
        bands = len(picture.getbands())
        wanted = convert_rgb or (channels is not None and bands != channels)
        plain = picture.mode in ("L", "LA", "RGB", "RGBA", "I")
        floats = picture.mode == "F" and not convert_rgb
        return np.asarray(picture.convert("RGB") if wanted and not plain and not floats else picture)
    except (OSError, SyntaxError, EOFError) as error:
        file = getattr(picture, "filename", "") or name
        raise DataError(
            f"`{file}` cannot be decoded, the picture is damaged or truncated: {error}"
        ) from error


def _array_values(array: np.ndarray[Any, Any], name: str) -> Tensor:
    """A NumPy picture as a tensor of bytes or floats; what torch cannot share the memory of is copied."""
    if array.dtype.kind not in "buif":
        raise DataError(f"`{name}` must hold numbers, received an array of dtype {array.dtype}")
    if array.dtype.kind in "iu" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    elif array.dtype == np.longdouble:
        array = array.astype(np.float64)
    shared = array.flags.writeable and array.dtype.isnative and all(step >= 0 for step in array.strides)
    if not shared:
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return _tensor_values(torch.from_numpy(array), name)


def _tensor_values(picture: Tensor, name: str) -> Tensor:
    """Bytes or checked floats."""
    if picture.numel() == 0:
        raise DataError(f"`{name}` must not be empty, received shape {list(picture.shape)}")
    if picture.is_floating_point():
        if not bool(torch.isfinite(picture).all()):
            raise DataError(f"`{name}` must be finite, received NaN or infinity among its values")
        return picture.float() if picture.dtype == torch.bfloat16 else picture
    if picture.is_complex():
        raise DataError(f"`{name}` must hold real numbers, received {picture.dtype}")
    if picture.dtype in (torch.uint8, torch.bool):
        return picture.to(torch.uint8)
    numbers = picture.to(torch.int64)
    smallest, largest = int(numbers.min()), int(numbers.max())
    if smallest < 0 or largest > 65535:
        raise DataError(
            f"`{name}` must lie in [0, 255] (8 bit) or [0, 65535] (16 bit), received whole numbers from "
            f"{smallest} to {largest}"
        )
    if largest > 255:
        numbers = (numbers + 128) // 257
    return numbers.to(torch.uint8)


def _channels_first(picture: Tensor, name: str, layout: str | None) -> Tensor:
    """[channels, height, width] of a picture in a known or visible layout."""
    if picture.ndim == 2 and layout in (None, "none"):
        return picture[None]
    if picture.ndim != 3 or layout == "none":
        expected = (
            "[height, width]" if layout == "none" else "[height, width] or three axes with the channels"
        )
        raise DataError(f"`{name}` must be {expected}, received shape {list(picture.shape)}")
    if layout is None:
        if picture.shape[0] in CHANNEL_COUNTS:
            layout = "channels_first"
        elif picture.shape[2] in CHANNEL_COUNTS:
            layout = "channels_last"
        else:
            raise DataError(
                f"`{name}` must have 1, 3 or 4 channels on its first or last axis, received shape "
                f"{list(picture.shape)}: say which axis it is by `input_data_format`"
            )
    return picture if layout == "channels_first" else picture.permute(2, 0, 1)
