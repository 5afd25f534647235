"""Labelled pictures from rows: a path, the bytes of a file, or pixels, and the name of a class."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perceivers.data.rows import class_id
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")


@dataclass(frozen=True)
class ImageSample:
    """One picture with its class.

    Args:
        image: the picture, of any mode and size.
        label: id of its class.
        is_framed: whether it is cut and sized for the model already, by a random crop.
    """

    image: Image.Image
    label: int
    is_framed: bool = False


@dataclass(frozen=True)
class ImageDecoder:
    """From a row to a labelled picture.

    Args:
        image_column: column with a path, with the bytes of a file, or with uint8 pixels.
        label_column: column with the class.
        class_names: names of the classes by id.
    """

    image_column: str
    label_column: str
    class_names: Sequence[str]

    def __call__(self, row: Mapping[str, Any], table: Table | StreamTable) -> ImageSample:
        """Decode one row."""
        label = class_id(row[self.label_column], self.class_names, self.label_column)
        return ImageSample(decode_image(row[self.image_column], table.root), label)


def decode_image(value: Any, root: Path | None = None) -> Image.Image:
    """Decode what a table holds for a picture.

    Args:
        value: a path, relative to `root`; bytes of a picture file; a mapping with `bytes` or `path`, as data sets on the hub
            have; uint8 pixels [height, width] or [height, width, channels] in [0, 255].
        root: folder that relative paths belong to.
    """
    if isinstance(value, np.ndarray):
        return Image.fromarray(value)
    if isinstance(value, Mapping):
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    if isinstance(value, bytes):
        return _read(io.BytesIO(value), "the picture in the row")
    if isinstance(value, str) and value:
        return read_image(Path(value) if root is None else root / value)
    raise DataError(f"a picture must be a path, bytes or pixels, received {value!r:.80}")


def read_image(path: Path) -> Image.Image:
    """Read and decode one picture; an unreadable one raises a DataError that names the file."""
    return _read(path, f"`{path}`")


def _read(source: Path | io.BytesIO, name: str) -> Image.Image:
    try:
        with Image.open(source) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} cannot be read as a picture: {error}") from error
