"""The stereo pair of a motorcycle that scikit-image ships, with its flow, read without importing it.

Between the views of a rectified pair, points move along the rows by their disparity: the flow of the left view is
(-disparity, 0). Source: Scharstein, Hirschmueller, Kitajima, Krathwohl, Nesic, Wang, Westling, "High-resolution stereo
datasets with subpixel-accurate ground truth" (GCPR 2014), at a quarter of its size.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
from PIL import Image

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError

FILES = ("motorcycle_left.png", "motorcycle_right.png", "motorcycle_disp.npz")


def tables() -> dict[str, Table]:
    """One row: `first` and `second`, uint8 [500, 741, 3], and `flow`, float32 [500, 741, 2], NaN where it is not known."""
    left, right, disparities = _paths()
    disparity = np.load(disparities)["arr_0"].astype(np.float32)
    flow = np.stack([-disparity, np.zeros_like(disparity)], axis=-1)
    flow[~np.isfinite(disparity)] = np.nan
    row = {"first": _pixels(left), "second": _pixels(right), "flow": flow}
    return {"train": ListTable([row], "motorcycle", ["motorcycle"])}


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def _paths() -> list[Path]:
    try:
        found = {str(file): file for file in files("scikit-image") or ()}
        return [Path(str(found[f"skimage/data/{name}"].locate())) for name in FILES]
    except (PackageNotFoundError, KeyError) as error:
        raise MissingExtraError("scikit-image", "samples", "The data set `motorcycle`") from error
