"""scikit-learn's handwritten digits, read without importing it: that takes longer than `import torch`."""

from __future__ import annotations

import gzip
from importlib.metadata import PackageNotFoundError, files

import numpy as np

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError

FILE = "sklearn/datasets/data/digits.csv.gz"


def tables() -> dict[str, Table]:
    """1,797 rows: `image`, uint8 [8, 8] in [0, 255], and `label`, "0" to "9"."""
    try:
        (file,) = (file for file in files("scikit-learn") or () if str(file) == FILE)
    except (PackageNotFoundError, ValueError) as error:
        raise MissingExtraError("scikit-learn", "samples", "The data set `digits`") from error
    text = gzip.decompress(file.read_binary()).decode("ascii").strip()
    # 64 pixels in [0, 16], then the digit.
    values = np.array([line.split(",") for line in text.splitlines()], dtype=np.float64)
    images = np.round(values[:, :-1].reshape(-1, 8, 8) * (255.0 / 16.0)).astype(np.uint8)
    digits = values[:, -1].astype(np.int64)
    rows = [{"image": image, "label": str(digit)} for image, digit in zip(images, digits, strict=True)]
    return {"train": ListTable(rows, "digits", [f"digits/{index:04d}" for index in range(len(rows))])}
