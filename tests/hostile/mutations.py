"""Good files made bad: bytes cut, flipped, spliced, repeated, nested, and numbers in headers made huge."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np

Mutation = Callable[[bytes, np.random.Generator], bytes]

# A damaged file is no longer than this, whatever is repeated in it.
LONGEST = 1 << 20
# Numbers that programs read as sizes and counts, and go wrong with.
EXTREMES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    2**64 - 1,
)
# Words that texts are made of in other formats, and that ask for more than they should.
WORDS = (
    b"nan", b"inf", b"-1", b"1e999", b"9" * 40, b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b"\n", b"\r", b",", b"{",
    b"[", b"}", b"]", b":", b"&a", b"*a", b"!!python/object/apply:os.system", b"../../", b"/dev/zero", b"null", b"true",
    b"%s", b"$x$",
)  # fmt: skip


def cut(content: bytes, generator: np.random.Generator) -> bytes:
    """Keep the beginning alone."""
    return content[: int(generator.integers(0, len(content) + 1))]


def flip(content: bytes, generator: np.random.Generator) -> bytes:
    """Change some bits, mostly few."""
    changed = bytearray(content)
    for _ in range(int(2 ** generator.uniform(0, 6))):
        if changed:
            changed[int(generator.integers(len(changed)))] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def enlarge(content: bytes, generator: np.random.Generator) -> bytes:
    """Write an extreme number over some bytes, in most cases near the beginning, where headers are."""
    form = str(generator.choice(["<B", "<H", ">H", "<I", ">I", "<Q", ">Q"]))
    size = struct.calcsize(form)
    if len(content) < size:
        return content
    number = EXTREMES[int(generator.integers(len(EXTREMES)))] & (2 ** (8 * size) - 1)
    last = len(content) - size
    place = int(generator.integers(0, min(last, 96) + 1 if generator.random() < 0.7 else last + 1))
    return content[:place] + struct.pack(form, number) + content[place + size :]


def splice(content: bytes, generator: np.random.Generator) -> bytes:
    """Put a piece of the file somewhere else in it, over what was there or beside it."""
    if not content:
        return content
    begin, end = sorted(int(each) for each in generator.integers(0, len(content) + 1, 2))
    place = int(generator.integers(0, len(content) + 1))
    piece = content[begin:end]
    after = content[place + len(piece) :] if generator.random() < 0.5 else content[place:]
    return content[:place] + piece + after


def nest(content: bytes, generator: np.random.Generator) -> bytes:
    """Repeat a short piece very often: brackets within brackets, rows without end."""
    if not content:
        return content
    begin = int(generator.integers(len(content)))
    piece = content[begin : begin + int(generator.integers(1, 9))]
    times = min(int(2 ** generator.uniform(1, 16)), LONGEST // len(piece))
    return content[:begin] + piece * times + content[begin:]


def insert(content: bytes, generator: np.random.Generator) -> bytes:
    """Put a word of trouble somewhere."""
    place = int(generator.integers(0, len(content) + 1))
    return content[:place] + WORDS[int(generator.integers(len(WORDS)))] + content[place:]


MUTATIONS: tuple[Mutation, ...] = (cut, flip, enlarge, splice, nest, insert)


def damaged(good: Sequence[bytes], generator: np.random.Generator) -> bytes:
    """One of some good files with one to three mutations; sometimes with another's end.

    Args:
        good: contents of files of one kind, at least one.
        generator: the only source of chance.
    """
    content = good[int(generator.integers(len(good)))]
    if len(good) > 1 and generator.random() < 0.1:
        other = good[int(generator.integers(len(good)))]
        content = cut(content, generator) + other[int(generator.integers(len(other) + 1)) :]
    for _ in range(int(generator.integers(1, 4))):
        content = MUTATIONS[int(generator.integers(len(MUTATIONS)))](content, generator)
    return content[:LONGEST]
