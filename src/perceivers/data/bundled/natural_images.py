"""Photographs, textures and scans that scikit-image ships, read without importing it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
from PIL import Image

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError

# The stereo pair of the package is left out: flow is measured on it. So are drawings and what the network is asked for.
NAMES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)


def tables() -> dict[str, Table]:
    """17 rows: `image`, uint8 [height, width] or [height, width, 3] in [0, 255], 384 to 1,411 pixels wide."""
    rows = [{"image": np.asarray(Image.open(path))} for path in _paths()]
    return {"train": ListTable(rows, "natural-images", [f"natural-images/{name}" for name in NAMES])}


def _paths() -> list[Path]:
    try:
        found = {str(file): file for file in files("scikit-image") or ()}
        return [Path(str(found[f"skimage/data/{name}"].locate())) for name in NAMES]
    except (PackageNotFoundError, KeyError) as error:
        raise MissingExtraError("scikit-image", "samples", "The data set `natural-images`") from error
