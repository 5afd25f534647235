"""Optical flow in Middlebury's `.flo` files.

The format: the number 202021.25, width and height as 32-bit integers, then for each pixel, row by row, the motion
right and down as 32-bit floats; all little-endian.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from perceivers.errors import DataError, no_file, require_shape
from perceivers.text_files import pointer_told

if TYPE_CHECKING:
    from torch import Tensor

MAGIC = 202021.25
HEADER = struct.Struct("<fii")
LARGEST_SIDE = 1 << 20


def read_flow(path: str | os.PathLike[str]) -> Tensor:
    """What `read_flow_array` gives, as a tensor."""
    import torch

    return torch.from_numpy(read_flow_array(path))


def read_flow_array(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a `.flo` file: [height, width, 2] float32, right and down, in pixels; unknown pixels are beyond 1e9."""
    file = Path(path)
    if not file.is_file():
        raise DataError(f"`{file}` is not a flow file: {no_file(file)}")
    content = file.read_bytes()
    if len(content) < HEADER.size or HEADER.unpack_from(content)[0] != MAGIC:
        raise DataError(
            f"`{file}` is not a flow file: {pointer_told(content) or f'it does not begin with the number {MAGIC}'}"
        )
    _, width, height = HEADER.unpack_from(content)
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise DataError(f"`{file}` is damaged: it says {width} x {height} pixels")
    expected = HEADER.size + width * height * 8
    if len(content) != expected:
        raise DataError(
            f"`{file}` is damaged: {width} x {height} pixels take {expected} bytes, the file has {len(content)}"
        )
    values = np.frombuffer(content, dtype="<f4", offset=HEADER.size).astype(np.float32)
    return values.reshape(height, width, 2)


def write_flow(path: str | os.PathLike[str], flow: Tensor | np.ndarray) -> None:
    """Write [height, width, 2], right and down in pixels, as a `.flo` file; whole or not at all."""
    require_shape("flow", cast("Tensor", flow), ["height", "width", 2])
    target = Path(path)
    height, width = flow.shape[:2]
    array = flow if isinstance(flow, np.ndarray) else flow.detach().cpu().float().numpy()
    values = np.ascontiguousarray(array, dtype="<f4")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(HEADER.pack(MAGIC, width, height) + values.tobytes())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
