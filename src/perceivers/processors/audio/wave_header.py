"""What a WAV file says of its own length, which decoders pass over: whether the file was cut off."""

from __future__ import annotations

import struct
from typing import BinaryIO

# Lengths that programs write which do not know it yet: 0, and about the largest number.
UNKNOWN_FROM = 0x7FFF_0000
MOST_CHUNKS = 1000


def bytes_missing(file: BinaryIO, size: int) -> tuple[int, int] | None:
    """How many bytes of samples a RIFF/WAVE file says it has, and how many of these are there; None of any other file.

    Args:
        file: open at its beginning.
        size: of the whole file in bytes.

    Returns:
        (said, there); None too where the file does not say how many, or has no samples.
    """
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    place = 12
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        chunk = file.read(8)
        if len(chunk) < 8:
            return None
        name, length = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data":
            known = 0 < length < UNKNOWN_FROM
            return (length, max(min(length, size - place - 8), 0)) if known else None
        # Chunks begin at even places.
        place += 8 + length + length % 2
    return None
