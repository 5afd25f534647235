"""True flow from files of any of the formats, with where it is known."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from perceivers.errors import DataError
from perceivers.processors.optical_flow.files import read_flow
from perceivers.processors.optical_flow.kitti import read_kitti_flow
from perceivers.processors.optical_flow.pfm import read_pfm_flow

# Middlebury's files mark unknown motion by values beyond 1e9; nothing moves by a tenth of that either.
LONGEST_KNOWN = 1e8
FLOW_SUFFIXES = (".flo", ".png", ".pfm")


def read_known_flow(path: str | os.PathLike[str]) -> tuple[Tensor, Tensor]:
    """Read a `.flo` file, a KITTI `.png` file, or a `.pfm` file.

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
    raise DataError(f"`{path}` is not a flow file: it must end in one of {', '.join(FLOW_SUFFIXES)}")


def known_part(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Divide flow [height, width, 2] with marks for unknown motion (NaN, infinite, beyond 1e8) into flow and known."""
    known = (torch.isfinite(flow) & (flow.abs() <= LONGEST_KNOWN)).all(dim=-1)
    return torch.where(known[..., None], flow, 0.0), known
