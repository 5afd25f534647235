"""What a cell that stands for a file says of itself: the ending of its name, the first bytes of its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

BEGINNING = 16


def ending(cell: Any) -> str:
    """Ending, lower case with the dot, of a path, or of the path in a mapping of the hub; "" of anything else."""
    path = cell.get("path") if isinstance(cell, Mapping) else cell
    return PurePath(path).suffix.lower() if isinstance(path, str | PurePath) else ""


def first_bytes(cell: Any) -> bytes:
    """The first 16 bytes of a file's content, or of the content in a mapping of the hub; none of anything else."""
    content = cell.get("bytes") if isinstance(cell, Mapping) else cell
    return bytes(content[:BEGINNING]) if isinstance(content, bytes | bytearray) else b""
