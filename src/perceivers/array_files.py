"""NumPy's array files, read within what their own size allows: a header that lies costs neither memory nor time."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.errors import DataError, one_line
from perceivers.text_files import pointer_told

# Arrays of an archive may unpack to more than this only where they shrink no further than data do.
LARGE, MOST_SHRUNK = 2**30, 200


def read_npy(path: Path) -> np.ndarray[Any, Any]:
    """The array of an `.npy` file. Nothing pickled is opened.

    Raises:
        DataError: the file is absent, holds less than its header says, or is no array; the message names it.
    """
    try:
        # Mapped first: reading would make room for whatever the header says.
        return np.array(np.lib.format.open_memmap(path, mode="r"))
    except Exception as error:
        # The header is a piece of Python that NumPy parses: a damaged one fails in many ways.
        raise DataError(
            f"`{path}` cannot be read as a NumPy array: {pointer_told(path) or one_line(error)}"
        ) from error


def shape_of_npy(path: Path) -> tuple[int, ...] | None:
    """The shape of the array of an `.npy` file, as its header says; None of one that cannot be read."""
    try:
        shape: tuple[int, ...] = np.lib.format.open_memmap(path, mode="r").shape
        return shape
    except Exception:  # whoever reads the file says why
        return None


def read_npz(path: Path, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of an `.npz` archive by name. Nothing pickled is opened.

    Args:
        path: the archive.
        wanted: which names are read.

    Raises:
        DataError: the file is absent, damaged, or unpacks to far more than data do; the message names it.
    """
    try:
        # Opened here because NumPy leaves a damaged archive open.
        with path.open("rb") as file:
            with zipfile.ZipFile(file) as members:
                unpacked = sum(member.file_size for member in members.infolist())
            if unpacked > max(LARGE, MOST_SHRUNK * path.stat().st_size):
                raise ValueError(f"it unpacks to {unpacked:,} bytes, from {path.stat().st_size:,}")
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files if wanted(name)}
    except Exception as error:
        # zipfile, zlib and NumPy each raise errors of their own for damaged archives.
        raise DataError(
            f"`{path}` cannot be read as an archive of NumPy arrays: {pointer_told(path) or one_line(error)}"
        ) from error
