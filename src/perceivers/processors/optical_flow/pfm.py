"""Optical flow in PFM files, as FlyingThings3D, Monkaa, Driving and ChairsSDHom have it.

The format (Debevec 2001): the line `PF` (three channels) or `Pf` (one), width and height in a line, a scale in the next that
is negative where numbers are little-endian, then 32-bit floats row by row from the lowest row up. Of flow the first two
channels are the motion right and down, the third is 0.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perceivers.errors import DataError, no_file
from perceivers.processors.optical_flow.files import LARGEST_SIDE
from perceivers.text_files import pointer_told

HEADER = re.compile(rb"(P[Ff])\s+(\d+)\s+(\d+)\s+([-+\d.eE]+)[ \t\r]*\n")


def read_pfm_flow(path: str | os.PathLike[str]) -> Tensor:
    """Read a PFM file of three channels as flow float32 [height, width, 2], right and down, in pixels.

    Raises:
        DataError: the file is absent, is no PFM file of three channels, or is damaged; the message names it.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"`{file}` is not a flow file: {no_file(file)}")
    content = file.read_bytes()
    found = HEADER.match(content)
    if found is None:
        said = pointer_told(content) or "it does not begin with PF, its size and its scale"
        raise DataError(f"`{file}` is not a flow file: {said}")
    kind, width, height = found[1], int(found[2]), int(found[3])
    try:
        order = "<" if float(found[4]) < 0 else ">"
    except ValueError as error:
        raise DataError(f"`{file}` is damaged: its scale is {found[4]!r}") from error
    if kind != b"PF":
        raise DataError(f"`{file}` is not a flow file: it has one channel (a disparity?), and flow has three")
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise DataError(f"`{file}` is damaged: it says {width} x {height} pixels")
    expected = found.end() + width * height * 12
    if len(content) != expected:
        raise DataError(
            f"`{file}` is damaged: {width} x {height} pixels take {expected} bytes, the file has {len(content)}"
        )
    values = np.frombuffer(content, dtype=f"{order}f4", offset=found.end()).reshape(height, width, 3)
    return torch.from_numpy(values[::-1, :, :2].astype(np.float32))
