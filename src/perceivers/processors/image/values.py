"""The values of pictures: what range they are in, rescaling, normalising."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from perceivers.errors import DataError

# How the values of one picture are read: as bytes, or as floats in [0, 1] or [0, 255].
ValueRange = Literal["bytes", "unit floats", "byte floats"]


def value_range(picture: Tensor) -> ValueRange:
    """How a picture's values are to be read: whole numbers are bytes, other floats say it by their largest value."""
    if not picture.is_floating_point():
        return "bytes"
    smallest, largest = float(picture.min()), float(picture.max())
    if smallest >= 0 and largest <= 255 and bool((picture == picture.round()).all()):
        return "bytes"
    return "unit floats" if smallest >= 0 and largest <= 1 else "byte floats"


def require_byte_range(picture: Tensor, kind: ValueRange, name: str) -> None:
    """Raise DataError for floats that cannot be turned into bytes without guessing what they mean."""
    if kind != "byte floats":
        return
    smallest, largest = float(picture.min()), float(picture.max())
    # A picture in [0, 1] with a little overshoot would come out black if it were taken for bytes.
    if smallest < 0 or largest > 255 or largest <= 2:
        raise DataError(
            f"`{name}` must hold floats in [0, 1], or in [0, 255] and beyond 2 somewhere, to be resized; received "
            f"{smallest:g} to {largest:g}"
        )


def rescaled(batch: Tensor, factor: float) -> Tensor:
    """Values times `factor`, multiplied in float64 and given in float32, as Transformers does.

    Devices without float64 (Apple's) never see one: bytes are looked up, floats are multiplied on the processor.
    """
    if batch.dtype == torch.uint8:
        table = (torch.arange(256, dtype=torch.float64) * factor).float()
        return table.to(batch.device)[batch.long()]
    return (batch.cpu().double() * factor).float().to(batch.device)


def normalised(
    batch: Tensor, mean: float | Sequence[float] | None, std: float | Sequence[float] | None
) -> Tensor:
    """(values - mean) / std for each channel of [batch, channels, height, width]; whole numbers become float32."""
    values = batch if batch.is_floating_point() else batch.float()
    channels = batch.shape[1]
    columns = []
    for name, numbers in (("image_mean", mean), ("image_std", std)):
        listed = list(numbers) if isinstance(numbers, Sequence) else [numbers] * channels
        if len(listed) != channels:
            raise DataError(
                f"`{name}` must have one entry for each of the picture's {channels} channels, received "
                f"{len(listed)}: leave `do_convert_rgb` unset to let pictures follow it"
            )
        columns.append(torch.tensor(listed, dtype=values.dtype, device=values.device)[:, None, None])
    return (values - columns[0]) / columns[1]
