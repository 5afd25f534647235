"""scikit-learn's handwritten digits."""

from __future__ import annotations

import numpy as np

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError


def tables() -> dict[str, Table]:
    """1,797 rows: `image`, uint8 [8, 8] in [0, 255], and `label`, "0" to "9"."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "samples", "The data set `digits`") from error
    pixels, digits = load_digits(return_X_y=True)
    images = np.round(pixels.reshape(-1, 8, 8) * (255.0 / 16.0)).astype(np.uint8)
    rows = [{"image": image, "label": str(digit)} for image, digit in zip(images, digits, strict=True)]
    return {"train": ListTable(rows, "digits", [f"digits/{index:04d}" for index in range(len(rows))])}
