"""Cells as pictures of a pair of frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from perceivers.kinds.image.reading import read_plain


def decode_pixels(value: Any, root: Path | None, white_level: float | None = None) -> np.ndarray:
    """What a table holds for a picture, see `perceivers.kinds.image.reading.read_plain`, as uint8 [height, width, 3]."""
    return np.asarray(read_plain(value, root, channels=3, white_level=white_level))
