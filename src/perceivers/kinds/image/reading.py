"""From what a cell holds to a picture: a path, the bytes of a file, or pixels."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perceivers.errors import DataError
from perceivers.kinds.image.array_pictures import as_array, picture_of
from perceivers.processors.image.opening import (
    SHOWN_AS,
    brightest,
    open_picture,
    plain_depth,
    size_stored,
    smaller,
    upright,
)

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".pgm", ".ppm",
                  ".pbm", ".pnm", ".jp2")  # fmt: skip
# Share of white below which the brightest value of some pictures is worth a word.
DARK = 0.25


@dataclass(frozen=True)
class Picture:
    """One picture on its way to the model.

    Args:
        image: of any mode and size.
        is_framed: whether it is cut and sized for the model already, by a random crop.
    """

    image: Image.Image
    is_framed: bool = False


def decode_image(
    value: Any, root: Path | None = None, *, white_level: float | None = None, room: int | None = None
) -> Image.Image:
    """Decode what a table holds for a picture, upright and 8 bits deep: see `perceivers.processors.image.opening`.

    Args:
        value: a path, relative to `root`; bytes of a picture file; a mapping with `bytes` or `path`, as data sets on the hub
            have; pixels, see `perceivers.kinds.image.array_pictures.picture_of`, also as a tensor of torch; a Pillow image.
        root: folder that relative paths belong to.
        white_level: value that is white, of pictures deeper than 8 bits; None: by the file's mode.
        room: pixels that both sides have at least, where files are read smaller than they are; None: whole.
    """
    value = as_array(value)
    if isinstance(value, np.ndarray):
        return picture_of(value, white_level)
    if isinstance(value, Image.Image):
        return plain_depth(upright(value), "the picture", white_level)
    if isinstance(value, Mapping):
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    if isinstance(value, bytes):
        return open_picture(value, white_level=white_level, room=room)
    if isinstance(value, str) and value:
        return open_picture(path_of(value, root), white_level=white_level, room=room)
    raise DataError(f"a picture must be a path, bytes or pixels, received {value!r:.80}")


def plain_image(image: Image.Image, channels: int) -> Image.Image:
    """A picture of any mode as grey (1) or RGB (3), upright; what shines through is white."""
    image = plain_depth(upright(image), "the picture")
    if image.mode == ("L" if channels == 1 else "RGB"):
        return image
    shown = SHOWN_AS.get(image.mode)
    if shown is not None:
        image = image.convert("RGBA" if image.mode == "P" and "transparency" in image.info else shown)
    if image.mode in ("LA", "RGBA"):
        *colours, alpha = image.split()
        under = Image.new("L" if image.mode == "LA" else "RGB", image.size, "white")
        under.paste(Image.merge(under.mode, colours), mask=alpha)
        image = under
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    # Pillow's grey of colours is that of the image processor.
    return image.convert("L" if channels == 1 else "RGB")


def read_plain(
    value: Any,
    root: Path | None = None,
    *,
    channels: int,
    white_level: float | None = None,
    room: int | None = None,
) -> Image.Image:
    """What a table holds for a picture as every model sees it: upright, grey (`channels` 1) or RGB (3) of 8 bits, on white.

    Args:
        value: see `decode_image`, as the others.
        root: folder that relative paths belong to.
        channels: 1 or 3.
        white_level: value that is white, of pictures deeper than 8 bits.
        room: pixels that both sides have at least.
    """
    return smaller(plain_image(decode_image(value, root, white_level=white_level, room=room), channels), room)


def decode_sized(
    value: Any, root: Path | None, room: int, white_level: float | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """A picture read smaller, as `decode_image` with `room` does, and the height and width that it has itself.

    Args:
        value: see `decode_image`.
        root: folder that relative paths belong to.
        room: pixels that both sides of the picture have at least, if it has them.
        white_level: value that is white, of pictures deeper than 8 bits.

    Raises:
        DataError: see `decode_image`.
    """
    picture = decode_image(value, root, white_level=white_level, room=room)
    if isinstance(value, Mapping):
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    stored = None
    if isinstance(value, bytes) or (isinstance(value, str) and value):
        stored = size_stored(value if isinstance(value, bytes) else path_of(value, root))
    if stored is None:
        return picture, (picture.height, picture.width)
    turned = (stored[0] > stored[1]) != (picture.height > picture.width)
    return picture, stored[::-1] if turned else stored


def brightest_of(value: Any, root: Path | None = None) -> tuple[float, float] | None:
    """The largest value of a picture deeper than 8 bits, and the white of its mode; None of every other, and of none."""
    if isinstance(value, Mapping):
        value = value.get("path") if value.get("bytes") is None else value["bytes"]
    value = as_array(value)
    if isinstance(value, np.ndarray):
        return (float(value.max()), 65535.0) if value.dtype == np.uint16 and value.size else None
    if isinstance(value, str) and value:
        return brightest(path_of(value, root))
    return brightest(value) if isinstance(value, bytes) else None


def dark_note(cells: Sequence[Any], root: Path | None = None) -> str | None:
    """What to tell of deep pictures whose brightest value is at most a quarter of white; None where there is nothing.

    Args:
        cells: some of a column, none of them empty.
        root: folder that relative paths belong to.
    """
    known = [found for cell in cells if (found := brightest_of(cell, root)) is not None]
    if not known:
        return None
    value, white = max(known, key=lambda found: found[0] / found[1])
    if value > DARK * white:
        return None
    return (
        f"of {len(known)} pictures deeper than 8 bits the brightest value is {value:g}, where {white:g} is white: the model "
        f"sees them nearly black; `--white-level {white_for(value):g}` makes them brighter"
    )


def white_for(value: float) -> float:
    """The white of the fewest bits that hold a value; the value itself of fractions."""
    return float(2 ** math.ceil(math.log2(value + 1)) - 1) if value >= 1 else value or 1.0


def path_of(value: str, root: Path | None) -> Path:
    """A path relative to `root`; an absolute one stays itself."""
    return Path(value) if root is None else root / value


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
        except Exception:  # whatever Pillow's many readers raise
            return False
        return True
    return isinstance(cell, Image.Image) or is_picture_file(cell)
