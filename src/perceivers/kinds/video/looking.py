"""What some films are like, by their headers and first pictures: what a size is chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, cast

import numpy as np
from PIL import Image

from perceivers.errors import DataError
from perceivers.kinds.image.sizing import looks_of
from perceivers.kinds.video.reading import film_source
from perceivers.kinds.video.sizing import Films
from perceivers.processors.video.decoding import Header, Picture, decode, read_header

# Films whose headers are read, and whose first picture is decoded, at most.
MOST_FILMS, MOST_PICTURES = 100, 24


def films_among(cells: Sequence[Any], table: Any) -> Films | None:
    """What the films of some cells are like; None where none can be read.

    Args:
        cells: paths or contents of films, see `film_source`.
        table: what they are from.
    """
    headers: list[Header] = []
    pictures: list[Image.Image] = []
    for cell in cells[:: -(-len(cells) // MOST_FILMS)]:
        try:
            source, name = film_source(cell, table)
            header = read_header(source, name)
            if header.picture_seconds is not None and len(pictures) < MOST_PICTURES:
                pictures.append(_first_picture(source, name))
        except DataError:
            # It is reported with the other rows that cannot be read.
            continue
        headers.append(header)
    # Some programs write no length: nothing tells it but the film itself.
    seconds = [header.seconds for header in headers if header.seconds]
    if not seconds:
        return None
    rates = [1.0 / header.picture_seconds for header in headers if header.picture_seconds]
    return Films(
        seconds=seconds,
        rate=float(np.median(rates)) if rates else None,
        looks=looks_of(pictures) if pictures else None,
        has_sound=any(header.has_sound for header in headers),
    )


def _first_picture(source: Any, name: str) -> Image.Image:
    with closing(cast("Any", decode(source, name, sound=False))) as pieces:
        for piece in pieces:
            if isinstance(piece, Picture):
                return Image.fromarray(piece.pixels())
    raise DataError(f"`{name}` holds no picture that can be decoded")
