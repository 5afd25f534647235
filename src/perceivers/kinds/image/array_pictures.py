"""Pixels that a program has as an array, as a picture of 8 bits: white is what their type says, not what values do."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from perceivers.errors import DataError
from perceivers.processors.image.opening import OVERSHOOT, WHITE_OF_FLOATS, plain_depth

# Grey, RGB, RGB and alpha; of the last axis also grey and alpha.
FIRST_AXIS, LAST_AXIS = (1, 3, 4), (1, 2, 3, 4)
_TAKEN = (
    "a picture must be [height, width], [height, width, channels] or [channels, height, width] with 1 (grey), 3 (RGB) or 4 "
    "(RGB and alpha) channels, or 2 (grey and alpha) on the last axis"
)


def as_array(value: Any) -> Any:
    """A tensor of torch, wherever it lies, as an array; all else stays itself."""
    if type(value).__module__.partition(".")[0] != "torch" or not hasattr(value, "detach"):
        return value
    here = value.detach().cpu()
    # NumPy has no bfloat16.
    return (here.float() if here.is_floating_point() else here).numpy()


def picture_of(array: np.ndarray, white_level: float | None = None) -> Image.Image:
    """The picture of an array, 8 bits deep.

    Args:
        array: [height, width], [height, width, channels] (1 to 4) or, where the last axis has more, [channels, height, width]
            (1, 3 or 4). uint8 in [0, 255]; uint16 in [0, 65535]; floating point in [0, 1]; without channels int32 in
            [0, 65535] and bool, too.
        white_level: value that is white, of all but uint8 and bool; None: the largest of these ranges.

    Raises:
        DataError: it has another shape or type, or values outside of the range.
    """
    pixels = _channels_last(array)
    kind = pixels.dtype.kind
    is_deep = kind == "f" or pixels.dtype == np.uint16 or (pixels.ndim == 2 and pixels.dtype == np.int32)
    if not is_deep and pixels.dtype != np.uint8 and not (kind == "b" and pixels.ndim == 2):
        raise DataError(
            f"a picture must hold uint8 in [0, 255], uint16 in [0, 65535] or floating-point numbers in [0, 1], received "
            f"{_in_words(array)}: make it one of these, such as array.astype('uint8') where 255 is white"
        )
    if not is_deep:
        return Image.fromarray(pixels)
    if kind == "f":
        pixels = pixels.astype(np.float32)
        _require_in_range(pixels, array, white_level)
    bands = [pixels] if pixels.ndim == 2 else [pixels[..., place] for place in range(pixels.shape[2])]
    plain = [
        plain_depth(Image.fromarray(np.ascontiguousarray(band)), "the picture", white_level) for band in bands
    ]
    return plain[0] if len(plain) == 1 else Image.merge(("LA", "RGB", "RGBA")[len(plain) - 2], plain)


def _channels_last(array: np.ndarray) -> np.ndarray:
    """[height, width], or [height, width, channels] of two channels and more."""
    if array.ndim == 3 and array.size:
        pixels = array
        if array.shape[2] not in LAST_AXIS and array.shape[0] in FIRST_AXIS:
            pixels = np.moveaxis(array, 0, -1)
        if pixels.shape[2] in LAST_AXIS:
            return pixels[..., 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels)
    elif array.ndim == 2 and array.size:
        return array
    several = ": give each picture by itself, list(array)" if array.ndim == 4 and array.size else ""
    raise DataError(f"{_TAKEN}, received {_in_words(array)}{several}")


def _require_in_range(pixels: np.ndarray, array: np.ndarray, white_level: float | None) -> None:
    if not np.isfinite(pixels).all():
        raise DataError(f"a picture must be finite, received NaN or infinity in {_in_words(array)}")
    lowest, highest = float(pixels.min()), float(pixels.max())
    if white_level is None and (lowest < 0 or highest > WHITE_OF_FLOATS * OVERSHOOT):
        raise DataError(
            f"floating-point numbers of a picture must be in [0, 1], received {lowest:g} to {highest:g} in "
            f"{_in_words(array)}: divide them by what is white, or give that, `--white-level NUMBER` (`white_level` in "
            "Python)"
        )


def _in_words(array: np.ndarray) -> str:
    return f"an array of {array.dtype} of the shape {list(array.shape)}"
