"""Files of plain text, in UTF-8 or UTF-16 by the mark at their beginning, and those that only point to a large file."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

# How Python keeps the bytes of a file's name that are no UTF-8.
NO_LETTERS = re.compile("[\ud800-\udfff]")
# What is done about them where there is no such form: they are written as they are called in Python.
ON_NO_LETTERS = "backslashreplace"
_POINTER = b"version https://git-lfs.github.com/spec/"
POINTER = "it is a pointer of Git LFS in the place of the file: run `git lfs pull` where it was cloned"


def is_lfs_pointer(source: str | os.PathLike[str] | bytes) -> bool:
    """Whether a file, or its content, is what Git leaves in its place where the large files were not fetched."""
    if isinstance(source, bytes):
        return source.startswith(_POINTER)
    try:
        with open(source, "rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def read_plain_text(path: Path, *, errors: str = "strict") -> str:
    """The text of a file without the mark; all ends of lines are newlines.

    Args:
        path: the file.
        errors: what Python does about bytes that are no letters.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is neither.
    """
    text = decoded(path.read_bytes(), errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(content: bytes, errors: str = "strict") -> str:
    """Text of the content of a file, without the mark; see `read_plain_text`."""
    # The mark of UTF-32 begins with that of UTF-16.
    if content.startswith(_UTF_32):
        return content.decode("utf-32", errors)
    return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig", errors)
