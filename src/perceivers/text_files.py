"""Files of plain text, in UTF-8 or UTF-16 by the mark at their beginning, and those that only point to a large file."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

from perceivers.errors import DataError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

# How Python keeps the bytes of a file's name that are no UTF-8.
NO_LETTERS = re.compile("[\ud800-\udfff]")
# What is done about them where there is no such form: they are written as they are called in Python.
ON_NO_LETTERS = "backslashreplace"
# What stands in the place of a large file that was not fetched, and what is said of it. A key of git-annex has a backend,
# fields such as the size, and a name: SHA256E-s12345--4d7a.jpg.
_POINTERS = (
    (
        re.compile(rb"version https://git-lfs\.github\.com/spec/"),
        "it is a pointer of Git LFS in the place of the file: run `git lfs pull` where it was cloned",
    ),
    (
        re.compile(rb"[/\\]annex[/\\]objects[/\\][A-Z0-9_]+(?:-[a-zA-Z]\d+)*--\S"),
        "it is a pointer of git-annex in the place of the file: run `git annex get` where it was cloned",
    ),
)
_BEGINNING = 200


def pointer_told(source: str | os.PathLike[str] | bytes) -> str:
    """What is said of a file, or its content, that only points to a large one that was not fetched; "" of all else."""
    if not isinstance(source, bytes):
        try:
            with open(source, "rb") as file:
                source = file.read(_BEGINNING)
        except (OSError, ValueError):  # a name that no path has
            return ""
    return next((said for beginning, said in _POINTERS if beginning.match(source)), "")


def read_plain_text(path: Path, *, errors: str = "strict") -> str:
    """The text of a file without the mark; all ends of lines are newlines.

    Args:
        path: the file.
        errors: what Python does about bytes that are no letters.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is neither.
        DataError: it only points to a file that was not fetched; the message names it.
    """
    content = path.read_bytes()
    if pointer := pointer_told(content):
        raise DataError(f"`{path}` cannot be read as text: {pointer}")
    text = decoded(content, errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(content: bytes, errors: str = "strict") -> str:
    """Text of the content of a file, without the mark; see `read_plain_text`."""
    # The mark of UTF-32 begins with that of UTF-16.
    if content.startswith(_UTF_32):
        return content.decode("utf-32", errors)
    return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig", errors)
