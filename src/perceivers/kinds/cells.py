"""What a cell that stands for a file says of itself: the ending of its name, the first bytes of its content."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from perceivers.errors import DataError

BEGINNING = 16


def ending(cell: Any) -> str:
    """Ending, lower case with the dot, of a path, or of the path in a mapping of the hub; "" of anything else."""
    path = cell.get("path") if isinstance(cell, Mapping) else cell
    if isinstance(path, str):
        return _suffix(path) if "." in path else ""
    return path.suffix.lower() if isinstance(path, PurePath) else ""


@lru_cache(maxsize=4_096)
def _suffix(path: str) -> str:
    """Remembered, because each kind of data asks for that of the same cells."""
    return PurePath(path).suffix.lower()


def require_inside(cell: Any, table: Any, suffixes: Sequence[str]) -> None:
    """Raise DataError for a path that leaves the folder of its table by `..`; an absolute path is taken as it is.

    A table may come from somebody else: what it names beside itself is its own, and what lies above it is not. Whoever means
    another folder writes the whole path.

    Args:
        cell: of a column of files.
        table: what it is from; only those that lie in a folder (`root`) are looked at.
        suffixes: endings of the files of its kind.
    """
    path = cell.get("path") if isinstance(cell, Mapping) else cell
    if getattr(table, "root", None) is None or not isinstance(path, str) or ".." not in path:
        return
    plain = posixpath.normpath(path.replace("\\", "/"))
    if plain.split("/")[0] == ".." and ending(path) in suffixes:
        raise DataError(
            f"names {path!r:.200}, which lies outside the folder of its table: write the whole path, or move the table"
        )


def first_bytes(cell: Any) -> bytes:
    """The first 16 bytes of a file's content, or of the content in a mapping of the hub; none of anything else."""
    content = cell.get("bytes") if isinstance(cell, Mapping) else cell
    return bytes(content[:BEGINNING]) if isinstance(content, bytes | bytearray) else b""
