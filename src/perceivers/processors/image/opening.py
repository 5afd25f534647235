"""A picture file as every reader sees it: its first frame, upright, 8 bits deep, no larger than what is wanted of it.

The rules, in full:

- Of animated files the first frame counts.
- Pictures are turned as their EXIF orientation says. Metadata that cannot be read say nothing: the picture is used as it
  lies.
- How deep a picture is follows from the file's mode, never from its values, so that all pictures of a set are read alike:
  white is 65535 in 16-bit files and in files of whole numbers, 1 in files of floating-point numbers. A `white_level` goes
  before that. Values become the nearest of 0 to 255; what is brighter than a chosen white is white.
- Where `room` is given, a picture much larger than that is read smaller: a JPEG file by its own eighths (its draft), every
  other by means of squares of pixels. Both sides stay at least `room`. Resized to half of `room`, a photograph differs by
  less than one of 255 steps, in the mean, from the whole one.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from perceivers.errors import DataError, no_file
from perceivers.text_files import pointer_told

# Modes whose values mean nothing alone -> one that holds what they show.
SHOWN_AS = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
WHOLE_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
WHITE_OF_WHOLE, WHITE_OF_FLOATS = 65535.0, 1.0
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Where Pillow keeps what it reads the orientation from.
METADATA = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")
# Decoders overshoot a little.
OVERSHOOT = 1.001


def open_picture(
    source: str | os.PathLike[str] | bytes,
    name: str | None = None,
    *,
    white_level: float | None = None,
    room: int | None = None,
) -> Image.Image:
    """Open and decode one picture by the rules above.

    Args:
        source: path or content of a file.
        name: what errors call it; None: the path.
        white_level: value that is white, of pictures deeper than 8 bits; None: by the file's mode.
        room: pixels that both sides of the result have at least, if the picture has them; None: the whole picture.

    Returns:
        A Pillow image of a mode of 8 bits or fewer.

    Raises:
        DataError: the file is absent, no picture, damaged, cut off or too large; or it is brighter than white.
    """
    if isinstance(source, bytes):
        opened: Path | io.BytesIO = io.BytesIO(source)
        name = "the picture in the row" if name is None else name
    else:
        opened, name = Path(source), f"`{os.fspath(source)}`" if name is None else name
        if not opened.is_file():
            raise DataError(f"{name} cannot be read as a picture: {no_file(opened)}")
    try:
        with Image.open(opened) as image:
            if room is not None:
                image.draft(None, (room, room))
            image.load()
            picture = upright(image)
            return smaller(plain_depth(picture, name, white_level), room)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{name} is too large a picture: {error}") from error
    except Exception as error:  # whatever Pillow's many readers raise: OSError, struct.error, KeyError
        if pointer := pointer_told(source):
            raise DataError(f"{name} cannot be read as a picture: {pointer}") from error
        # Pillow calls content that has no name by its address in memory.
        said = str(error).replace(f" {opened!r}", "") if isinstance(source, bytes) else str(error)
        raise DataError(
            f"{name} cannot be read as a picture: it is damaged or of unknown kind: {said}"
        ) from error


def upright(picture: Image.Image) -> Image.Image:
    """Turn a Pillow image as its EXIF orientation says; one that says nothing, or nothing that can be read, stays itself."""
    try:
        turn = TURNS.get(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # metadata can be damaged in as many ways as files
        return picture
    if turn is None:
        return picture
    turned = picture.transpose(turn)
    for key in METADATA:
        turned.info.pop(key, None)
    return turned


def plain_depth(picture: Image.Image, name: str, white_level: float | None = None) -> Image.Image:
    """A picture deeper than 8 bits as grey of 8 bits; every other stays itself.

    Args:
        picture: of any mode.
        name: what errors call it.
        white_level: see `open_picture`.

    Raises:
        DataError: a value is negative, brighter than white, or no number, where no white level was chosen.
    """
    white = white_of(picture.mode) if white_level is None else white_level
    if white is None or white_of(picture.mode) is None:
        return picture
    values = np.asarray(picture)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{name} holds NaN or infinity among its values")
    lowest, highest = float(values.min()), float(values.max())
    if white_level is None and (lowest < 0 or highest > white * OVERSHOOT):
        raise DataError(
            f"{name} has values from {lowest:g} to {highest:g}, and files of its kind (mode {picture.mode}) are white at "
            f"{white:g}: give the value that is white, `--white-level NUMBER` (`white_level` in Python), or save "
            f"pictures whose values end at {white:g}"
        )
    if white == WHITE_OF_WHOLE and values.dtype.kind in "iu":
        # The nearest byte of 257ths, exactly.
        whole = np.clip(values, 0, int(white)).astype(np.uint32)
        return Image.fromarray(((whole + 128) // 257).astype(np.uint8))
    shares = np.clip(values.astype(np.float64) / white, 0.0, 1.0)
    return Image.fromarray(np.rint(255.0 * shares).astype(np.uint8))


def white_of(mode: str) -> float | None:
    """The value that is white in a mode of Pillow deeper than 8 bits; None of every other."""
    if mode in WHOLE_MODES:
        return WHITE_OF_WHOLE
    return WHITE_OF_FLOATS if mode == "F" else None


def smaller(picture: Image.Image, room: int | None) -> Image.Image:
    """A grey or RGB picture by means of squares of pixels, both sides still at least `room`; every other stays itself."""
    if room is None or picture.mode not in ("L", "RGB"):
        return picture
    factor = min(picture.size) // room
    return picture.reduce(factor) if factor > 1 else picture


def size_stored(source: str | os.PathLike[str] | bytes) -> tuple[int, int] | None:
    """Height and width of a picture file as its header says, before it is turned; None of one that cannot be read."""
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else Path(source)) as image:
            return image.height, image.width
    except Exception:  # it is reported with the other files that cannot be read
        return None


def brightest(source: str | os.PathLike[str] | bytes) -> tuple[float, float] | None:
    """The largest value of a picture file deeper than 8 bits, and the white of its mode; None of every other file.

    Args:
        source: path or content of a file; one that cannot be read gives None.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else Path(source)) as image:
            white = white_of(image.mode)
            if white is None:
                return None
            image.load()
            return float(np.asarray(image).max()), white
    except Exception:  # it is reported with the other files that cannot be read
        return None
