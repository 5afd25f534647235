"""Optical flow without learning: TV-L1, as scikit-image has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from perceivers.errors import MissingExtraError


def tv_l1(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Flow by total variation and an absolute data term (Zach, Pock, Bischof, DAGM 2007), with the default settings.

    Args:
        first: grey frame, float [height, width] in [0, 1].
        second: the next one, of the same shape.

    Returns:
        float [height, width, 2], right and down in pixels. Frames of one row or column have no gradient to go by: zeros.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage import registration
    except ImportError as error:
        raise MissingExtraError("scikit-image", "samples", "A comparison with TV-L1") from error
    if min(first.shape) < 2:
        return np.zeros((*first.shape, 2), dtype=np.float32)
    # It has no types.
    estimate: Any = registration.optical_flow_tvl1
    down, right = estimate(first, second)
    return np.stack([right, down], axis=-1)
