"""From what a cell holds to a picture: a path, the bytes of a file, or pixels."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from perceivers.errors import DataError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".pgm", ".ppm",
                  ".pbm", ".pnm", ".jp2")  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One picture on its way to the model.

    Args:
        image: of any mode and size.
        is_framed: whether it is cut and sized for the model already, by a random crop.
    """

    image: Image.Image
    is_framed: bool = False


def decode_image(value: Any, root: Path | None = None) -> Image.Image:
    """Decode what a table holds for a picture.

    Args:
        value: a path, relative to `root`; bytes of a picture file; a mapping with `bytes` or `path`, as data sets on the hub
            have; uint8 pixels [height, width] or [height, width, channels] in [0, 255]; a Pillow image.
        root: folder that relative paths belong to.
    """
    if isinstance(value, Image.Image):
        return value
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


def is_picture_file(value: Any) -> bool:
    """Whether a cell is the path of a picture."""
    return isinstance(value, str) and Path(value).suffix.lower() in IMAGE_SUFFIXES


def looks_like_picture(cell: Any) -> bool:
    """Whether `decode_image` takes a cell for a picture, as far as its ending, its first bytes or its shape tell."""
    if isinstance(cell, Mapping):
        cell = cell.get("path") if cell.get("bytes") is None else cell["bytes"]
    if isinstance(cell, np.ndarray):
        return cell.dtype == np.uint8 and (cell.ndim == 2 or (cell.ndim == 3 and cell.shape[2] in (1, 3, 4)))
    if isinstance(cell, bytes):
        try:
            Image.open(io.BytesIO(cell)).close()
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return False
        return True
    return isinstance(cell, Image.Image) or is_picture_file(cell)


def _read(source: Path | io.BytesIO, name: str) -> Image.Image:
    try:
        with Image.open(source) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} cannot be read as a picture: {error}") from error
