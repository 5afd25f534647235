"""A picture between its pixels and beyond its borders."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def sample_bilinear(picture: Array, points: Array) -> Array:
    """Interpolate a picture between its four nearest pixels, mirrored about the outermost pixels' centres.

    Args:
        picture: [rows, columns, channels]; whole numbers become float32.
        points: [..., 2], (x, y) in pixels; (0, 0) is the centre of the first pixel.

    Returns:
        [..., channels].
    """
    rows, columns = picture.shape[:2]
    kind = picture.dtype if np.issubdtype(picture.dtype, np.floating) else np.dtype(np.float32)
    x, y = mirrored(points[..., 0], columns), mirrored(points[..., 1], rows)
    left = np.minimum(x.astype(np.int64), max(columns - 2, 0))
    top = np.minimum(y.astype(np.int64), max(rows - 2, 0))
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    across = (x - left).astype(kind)[..., None]
    down = (y - top).astype(kind)[..., None]
    flat = picture.reshape(rows * columns, -1)
    upper = flat[top * columns + left] * (1 - across) + flat[top * columns + right] * across
    lower = flat[bottom * columns + left] * (1 - across) + flat[bottom * columns + right] * across
    return upper * (1 - down) + lower * down


def mirrored(positions: Array, size: int) -> Array:
    """Fold positions on an endless axis into [0, size - 1], back and forth."""
    if size == 1:
        return np.zeros_like(positions)
    folded = np.mod(positions, 2 * (size - 1))
    return np.minimum(folded, 2 * (size - 1) - folded)
