"""Resizing in torch: Pillow's antialiased filters to the last bit, and TensorFlow's bicubic without antialiasing.

Pillow resizes bytes in two passes, horizontal then vertical. Each pass weighs the pixels under a filter that is
stretched when the picture shrinks; weights are whole numbers in units of 2**-22, sums are rounded and clamped to
[0, 255]. Whole numbers are exact everywhere, so every device gives Pillow's bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import PIL
import torch
from torch import Tensor

from perceivers.errors import ConfigurationError, ShapeError

FRACTION_BITS = 22
CUBIC_SHARPNESS = -0.5
TENSORFLOW_STEPS = 1024


def _box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


def _triangle(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def _sinc(x: float) -> float:
    return 1.0 if x == 0.0 else math.sin(math.pi * x) / (math.pi * x)


def _hamming(x: float) -> float:
    x = abs(x)
    if x == 0.0:
        return 1.0
    return 0.0 if x >= 1.0 else _sinc(x) * (0.54 + 0.46 * math.cos(math.pi * x))


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / 3.0) if -3.0 <= x < 3.0 else 0.0


def cubic(x: float) -> float:
    """Keys' cubic kernel with a = -0.5, as Pillow and TensorFlow 2 use it."""
    a, x = CUBIC_SHARPNESS, abs(x)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    if x < 2.0:
        return (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return 0.0


# By Pillow's number: the kernel and its half width in source pixels when nothing shrinks; 0 (nearest) has none.
KERNELS: dict[int, tuple[Callable[[float], float], float]] = {
    1: (_lanczos, 3.0),
    2: (_triangle, 1.0),
    3: (cubic, 2.0),
    4: (_box, 0.5),
    5: (_hamming, 1.0),
}


def resize_bytes(pictures: Tensor, height: int, width: int, resample: int = 3) -> Tensor:
    """Resize as Pillow does, bit for bit.

    Args:
        pictures: [batch, channels, rows, columns] uint8; with 2 or 4 channels the last is alpha, and colours are
            weighted by it as Pillow does for LA and RGBA (not for nearest).
        height: rows wanted.
        width: columns wanted.
        resample: filter by Pillow's number (3: bicubic).

    Returns:
        [batch, channels, height, width] uint8.
    """
    if pictures.ndim != 4 or pictures.dtype != torch.uint8:
        raise ShapeError(
            "`pictures` must be [batch, channels, rows, columns] uint8, received "
            f"{list(pictures.shape)} {pictures.dtype}"
        )
    if height < 1 or width < 1:
        raise ConfigurationError(
            f"`height` and `width` must be at least 1 pixel, received {height} x {width}"
        )
    rows, columns = pictures.shape[2:]
    if (rows, columns) == (height, width):
        return pictures
    if resample == 0:
        picked_rows = _nearest(rows, height).to(pictures.device)
        picked_columns = _nearest(columns, width).to(pictures.device)
        return pictures.index_select(2, picked_rows).index_select(3, picked_columns)
    with_alpha = pictures.shape[1] in (2, 4)
    values = _premultiplied(pictures) if with_alpha else pictures
    passes = {3: width, 2: height}
    for axis in (2, 3) if vertical_first(rows, columns, height, width) else (3, 2):
        values = _resize_axis(values, axis, passes[axis], resample)
    return _unmultiplied(values) if with_alpha else values.contiguous()


def resize_tensorflow_bicubic(pictures: Tensor, height: int, width: int) -> Tensor:
    """Resize as `tf.image.resize(method="bicubic", antialias=False)` of TensorFlow 2: four taps, no clamping.

    Taps outside the picture weigh nothing and the rest are scaled to add up to 1; positions are rounded to 1/1024
    pixel, as TensorFlow's table of weights does.

    Args:
        pictures: [batch, channels, rows, columns], any range.
        height: rows wanted.
        width: columns wanted.

    Returns:
        [batch, channels, height, width] float32; overshoots stay.
    """
    values = pictures.float()
    for axis, length in ((3, width), (2, height)):
        starts, weights = _tensorflow_taps(values.shape[axis], length)
        last = values.shape[axis] - 1
        taps = [
            values.index_select(axis, (starts + tap).clamp(0, last).to(values.device))
            * _along(weights[:, tap].to(values.device), axis)
            for tap in range(4)
        ]
        values = torch.stack(taps).sum(dim=0)
    return values


def _along(weights: Tensor, axis: int) -> Tensor:
    return weights[:, None] if axis == 2 else weights


def vertical_first(rows: int, columns: int, height: int, width: int) -> bool:
    """Whether Pillow takes the vertical pass first: from Pillow 13 on, where it removes far more lines."""
    reordering = int(PIL.__version__.split(".")[0]) >= 13
    return reordering and height < rows and rows - height > 2 * (columns - width)


def _resize_axis(pictures: Tensor, axis: int, length: int, resample: int) -> Tensor:
    """Resize one of the last two axes of [batch, channels, rows, columns] uint8; whole lines are summed at once."""
    if pictures.shape[axis] == length:
        return pictures
    lines = pictures.transpose(2, axis).to(torch.int32, memory_format=torch.contiguous_format)
    starts, weights = (part.to(lines.device) for part in _pillow_taps(lines.shape[2], length, resample))
    last = lines.shape[2] - 1
    half = 1 << (FRACTION_BITS - 1)
    total = lines.new_full((*lines.shape[:2], length, lines.shape[3]), half)
    for tap in range(weights.shape[1]):
        picked = lines.index_select(2, (starts + tap).clamp(max=last))
        total.addcmul_(picked, weights[:, tap, None])
    return (total >> FRACTION_BITS).clamp_(0, 255).to(torch.uint8).transpose(2, axis)


@lru_cache(maxsize=256)
def _pillow_taps(length: int, wanted: int, resample: int) -> tuple[Tensor, Tensor]:
    """First source line of each wanted line, [wanted], and the whole-number weights, [wanted, taps] int32."""
    kernel, half_width = KERNELS[resample]
    scale = length / wanted
    stretch = max(scale, 1.0)
    support = half_width * stretch
    taps = math.ceil(support) * 2 + 1
    starts = np.zeros(wanted, dtype=np.int64)
    weights = np.zeros((wanted, taps))
    for line in range(wanted):
        centre = (line + 0.5) * scale
        first = max(int(centre - support + 0.5), 0)
        end = min(int(centre + support + 0.5), length)
        inverse = 1.0 / stretch
        line_weights = [kernel((source - centre + 0.5) * inverse) for source in range(first, end)]
        total = sum(line_weights)
        starts[line] = first
        for tap, weight in enumerate(line_weights):
            weights[line, tap] = weight / total if total != 0.0 else weight
    whole = np.trunc(weights * (1 << FRACTION_BITS) + np.where(weights < 0, -0.5, 0.5)).astype(np.int32)
    used = np.flatnonzero(whole.any(axis=0))
    whole = whole[:, : int(used[-1]) + 1]
    return torch.from_numpy(starts), torch.from_numpy(np.ascontiguousarray(whole))


@lru_cache(maxsize=256)
def _tensorflow_taps(length: int, wanted: int) -> tuple[Tensor, Tensor]:
    """First of four source lines of each wanted line (may lie outside), [wanted], and the weights, [wanted, 4]."""
    scale = np.float32(length) / np.float32(wanted)
    position = (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    before = np.floor(position)
    fraction = np.rint((position - before) * TENSORFLOW_STEPS) / TENSORFLOW_STEPS
    starts = before.astype(np.int64) - 1
    weights = np.array(
        [[cubic(float(part) - offset) for offset in (-1, 0, 1, 2)] for part in fraction], dtype=np.float32
    )
    sources = starts[:, None] + np.arange(4)
    weights[(sources < 0) | (sources >= length)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    return torch.from_numpy(starts), torch.from_numpy(weights)


def _nearest(length: int, wanted: int) -> Tensor:
    """The source line whose area holds the middle of each wanted line."""
    scale = length / wanted
    # Pillow adds the step up line by line, which rounds differently from a product.
    positions = np.cumsum(np.concatenate([[scale * 0.5], np.full(wanted - 1, scale)]))
    return torch.from_numpy(positions.astype(np.int64).clip(max=length - 1))


def _premultiplied(pictures: Tensor) -> Tensor:
    """Colours times alpha / 255, rounded as Pillow does; the last channel is alpha."""
    colours, alpha = pictures[:, :-1].int(), pictures[:, -1:].int()
    product = colours * alpha + 128
    return torch.cat([(((product >> 8) + product) >> 8).to(torch.uint8), pictures[:, -1:]], dim=1)


def _unmultiplied(pictures: Tensor) -> Tensor:
    """Colours by alpha / 255, rounded down and clamped as Pillow does; untouched where alpha is 0 or 255."""
    colours, alpha = pictures[:, :-1].int(), pictures[:, -1:].int()
    divided = (255 * colours // alpha.clamp(min=1)).clamp(max=255)
    plain = (alpha == 0) | (alpha == 255)
    return torch.cat([torch.where(plain, colours, divided).to(torch.uint8), pictures[:, -1:]], dim=1)
