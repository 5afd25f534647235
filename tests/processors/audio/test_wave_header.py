"""How much of its samples a WAV file has, by its own header."""

from __future__ import annotations

import io
import struct

import pytest

from perceivers.processors.audio.wave_header import bytes_missing


def chunks(*pairs: tuple[bytes, int, bytes]) -> bytes:
    return b"RIFF\0\0\0\0WAVE" + b"".join(
        name + struct.pack("<I", length) + content for name, length, content in pairs
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (chunks((b"fmt ", 16, bytes(16)), (b"data", 20, bytes(20))), (20, 20)),
        (chunks((b"fmt ", 16, bytes(16)), (b"LIST", 3, bytes(4)), (b"data", 20, bytes(7))), (20, 7)),
        (chunks((b"data", 0, bytes(20))), None),
        (chunks((b"data", 0xFFFFFFFF, bytes(20))), None),
        (chunks((b"fmt ", 16, bytes(16))), None),
        (chunks((b"junk", 0xFFFFFFF0, b"")), None),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"RI", None),
    ],
)
def test_the_samples_that_a_header_names_are_counted(
    content: bytes, expected: tuple[int, int] | None
) -> None:
    assert bytes_missing(io.BytesIO(content), len(content)) == expected
