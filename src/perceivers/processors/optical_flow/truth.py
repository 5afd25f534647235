"""True flow from files of any of the formats, with where it is known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perceivers.array_files import read_npy
from perceivers.errors import DataError
from perceivers.processors.optical_flow.files import read_flow
from perceivers.processors.optical_flow.kitti import read_kitti_flow
from perceivers.processors.optical_flow.pfm import read_pfm_flow

# Middlebury's files mark unknown motion by values beyond 1e9; nothing moves by a tenth of that either.
LONGEST_KNOWN = 1e8
FLOW_SUFFIXES = (".flo", ".png", ".pfm", ".npy")


def read_known_flow(path: str | os.PathLike[str]) -> tuple[Tensor, Tensor]:
    """Read a `.flo` file, a KITTI `.png` file, a `.pfm` file, or a NumPy array [height, width, 2] or [2, height, width].

    Returns:
        Flow float32 [height, width, 2], right and down in pixels, zero where it is not known; and bool [height, width],
        True where it is known.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".png":
        return read_kitti_flow(path)
    if suffix == ".flo":
        return known_part(read_flow(path))
    if suffix == ".pfm":
        return known_part(read_pfm_flow(path))
    if suffix == ".npy":
        return known_part(_flow_of_array(Path(path)))
    raise DataError(f"`{path}` is not a flow file: it must end in one of {', '.join(FLOW_SUFFIXES)}")


def flow_size(shape: Sequence[int]) -> tuple[int, int] | None:
    """Height and width of the flow that an array of a shape may be, channels last or first; None where it is none."""
    if len(shape) != 3 or 2 not in (shape[0], shape[-1]):
        return None
    height, width = shape[:2] if shape[-1] == 2 else shape[1:]
    return height, width


def _flow_of_array(path: Path) -> Tensor:
    array = read_npy(path)
    if flow_size(array.shape) is None or array.dtype.kind not in "iuf":
        raise DataError(
            f"`{path}` must hold numbers of the shape [height, width, 2] or [2, height, width] to be flow, received "
            f"{array.dtype} of the shape {list(array.shape)}"
        )
    channels_last = array if array.shape[-1] == 2 else np.moveaxis(array, 0, -1)
    return torch.from_numpy(channels_last.astype(np.float32))


def known_part(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Divide flow [height, width, 2] with marks for unknown motion (NaN, infinite, beyond 1e8) into flow and known."""
    known = (torch.isfinite(flow) & (flow.abs() <= LONGEST_KNOWN)).all(dim=-1)
    return torch.where(known[..., None], flow, 0.0), known
