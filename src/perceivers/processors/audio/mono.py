"""One channel of a waveform as an array: whole numbers brought to [-1, 1], channels averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import ConfigurationError, DataError

# Full scale of whole-number samples; unsigned bytes are centred on 128.
FULL_SCALE = {"int8": 2.0**7, "uint8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}


def one_channel_of(
    waveform: Any, *, channel_axis: int | None = None, name: str = "audio"
) -> NDArray[np.float32]:
    """One channel of a waveform, [samples] float32: whole numbers brought to [-1, 1], channels averaged.

    Args:
        waveform: [samples], or [channels, samples] or [samples, channels]; array or numbers.
        channel_axis: which axis holds the channels; None: the shorter one.
        name: what messages call it.
    """
    values = _array(waveform, name)
    if values.ndim not in (1, 2) or values.size == 0:
        raise DataError(
            f"`{name}` must be [samples], or have one axis of channels more, received shape {list(values.shape)}"
        )
    scaled = _scaled(values, name)
    if scaled.ndim == 1:
        return scaled
    if channel_axis is None:
        channel_axis = 0 if scaled.shape[0] < scaled.shape[1] else 1
    elif channel_axis not in (-2, -1, 0, 1):
        raise ConfigurationError(f"`channel_axis` must be 0 or 1, received {channel_axis}")
    mean: NDArray[np.float32] = scaled.mean(axis=channel_axis, dtype=np.float32)
    return mean


def _scaled(values: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Samples in [-1, 1]."""
    scaled: NDArray[np.float32]
    if values.dtype.kind == "f":
        scaled = values.astype(np.float32, copy=False)
        if not np.isfinite(scaled).all():
            raise DataError(f"`{name}` must be finite, received NaN or infinity among its samples")
        loudest = float(np.abs(scaled).max())
        # Decoders overshoot a little; far beyond are whole numbers that were stored as floats.
        if loudest > 2:
            raise DataError(
                f"`{name}` must lie in [-1, 1], received samples up to {loudest:g}: divide by their full scale "
                "(32768 for 16 bit) or give whole numbers"
            )
        return scaled
    if values.dtype.name not in FULL_SCALE:
        raise DataError(
            f"`{name}` must be floats or int8, uint8, int16 or int32 samples, received {values.dtype}: their full "
            "scale is not known"
        )
    centre = 128 if values.dtype == np.uint8 else 0
    # Powers of two: float32 rounds once, as float64 would.
    scaled = (values.astype(np.float32) - np.float32(centre)) / np.float32(FULL_SCALE[values.dtype.name])
    return scaled


def _array(waveform: Any, name: str) -> NDArray[Any]:
    array = np.asarray(waveform)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"`{name}` must hold numbers, received {type(waveform).__name__} of dtype {array.dtype}"
        )
    if isinstance(waveform, Sequence) and array.dtype.kind == "i":
        # Plain numbers have no full scale of their own.
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
