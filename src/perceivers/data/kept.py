"""What was read of cells, kept until it is read again: in memory while there is room, then on disk; results stay the same.

A value is known by what it was read from (path, size and time of change of a file, or a digest of content) and by settings
of reading, never by its row. What came first stays; when both places are full, nothing more is kept. Values are
arrays alone, so that a file in the folder can do no harm, and each file is written whole or not at all: processes may be
killed, and share the folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]

PREFIX = "perceivers-kept-"
ENDING = ".safetensors"
# Bytes that are left free on the disk.
RESERVE = 1 << 30
# Names of files and bookkeeping of a value.
OVERHEAD = 512


class KeptValues:
    """Values by key.

    Args:
        memory_bytes: room in memory.
        disk_bytes: room on disk.
        folder: where the disk's part lies and stays for later runs; None: in a temporary folder that is removed with this
            object, or, where the process was killed, when the next one is made.

    Example:
        kept = KeptValues(2**30, 2**33)
        kept.add("key", {"pixels": pixels})
        kept.get("key")  # {"pixels": ...}, or None
    """

    def __init__(self, memory_bytes: int, disk_bytes: int, folder: Path | None = None) -> None:
        self.memory_bytes, self.disk_bytes = memory_bytes, disk_bytes
        self._memory: dict[str, Arrays] = {}
        self._lock = threading.Lock()
        self._in_memory = 0
        self._owner = os.getpid()
        self._folder = folder
        if disk_bytes <= 0:
            self._folder = None
        elif folder is None:
            remove_abandoned()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{self._owner}-"))
            weakref.finalize(self, _remove, self._folder, self._owner)
        else:
            folder.mkdir(parents=True, exist_ok=True)
        self._on_disk = _bytes_in(self._folder)

    def get(self, key: str) -> Arrays | None:
        """The value, not to be changed; None if it is not kept."""
        found = self._memory.get(key)
        return found if found is not None or self._folder is None else self._read(self._folder, key)

    def add(self, key: str, value: Arrays) -> None:
        """Keep a value, if there is room."""
        size = OVERHEAD + sum(array.nbytes for array in value.values())
        # What a worker process holds in memory goes with it, so it writes for all.
        if os.getpid() == self._owner and self._reserve_memory(size):
            self._memory[key] = value
        elif self._folder is not None and self._on_disk + size <= self.disk_bytes:
            self._write(self._folder, key, value, size)

    def __getstate__(self) -> dict[str, Any]:
        # A process that is not forked shares the folder; it is not sent all values, and owns no memory of them.
        return {"disk_bytes": self.disk_bytes, "folder": self._folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.memory_bytes, self.disk_bytes, self._folder = 0, state["disk_bytes"], state["folder"]
        self._memory, self._in_memory, self._lock, self._owner = {}, 0, threading.Lock(), os.getpid()
        self._on_disk = _bytes_in(self._folder)

    def _reserve_memory(self, size: int) -> bool:
        with self._lock:
            fits = self._in_memory + size <= self.memory_bytes
            self._in_memory += size if fits else 0
            return fits

    def _read(self, folder: Path, key: str) -> Arrays | None:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            found = load((folder / f"{key}{ENDING}").read_bytes())
        except (OSError, SafetensorError, ValueError, KeyError):
            # Absent or damaged: it is read from its source again.
            return None
        # What safetensors gives cannot be written to, which torch warns of.
        return {name: array.copy() for name, array in found.items()}

    def _write(self, folder: Path, key: str, value: Arrays, size: int) -> None:
        from safetensors.numpy import save

        target = folder / f"{key}{ENDING}"
        temporary = folder / f".{key}.{os.getpid()}.{threading.get_ident()}"
        try:
            if target.exists() or shutil.disk_usage(folder).free < size + RESERVE:
                return
            temporary.write_bytes(save({name: np.ascontiguousarray(array) for name, array in value.items()}))
            os.replace(temporary, target)
        except OSError:
            # A full or vanished disk costs time, not the run.
            temporary.unlink(missing_ok=True)
            return
        with self._lock:
            self._on_disk += size


def key_of(cell: Any, root: Path | None, settings: tuple[Any, ...]) -> str | None:
    """What the value of a cell is kept under; None for a cell that is neither file nor pixels, or a file that is absent.

    Args:
        cell: path, relative to `root`; bytes; a mapping with `bytes` or `path`, as data sets on the hub have; pixels, uint8.
        root: folder that relative paths belong to.
        settings: all that the value depends on beside the cell.
    """
    if isinstance(cell, Mapping):
        cell = cell.get("path") if cell.get("bytes") is None else cell["bytes"]
    source: tuple[Any, ...]
    if isinstance(cell, bytes):
        source = (hashlib.blake2b(cell, digest_size=24).hexdigest(),)
    elif isinstance(cell, np.ndarray) and cell.dtype == np.uint8:
        # Pixels say all about themselves; other samples may have their rate elsewhere in the row.
        source = (cell.shape, hashlib.blake2b(cell.tobytes(), digest_size=24).hexdigest())
    elif isinstance(cell, str) and cell and not cell.lstrip().startswith(("[", "{")):
        path = os.path.abspath(cell if root is None else root / cell)
        try:
            state = os.stat(path)
        except (OSError, ValueError):
            return None
        source = (path, state.st_size, state.st_mtime_ns)
    else:
        return None
    return hashlib.blake2b(
        repr((source, settings)).encode("utf-8", "surrogatepass"), digest_size=24
    ).hexdigest()


def remove_abandoned() -> None:
    """Remove temporary folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        process = folder.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _remove(folder: Path, owner: int) -> None:
    # A forked process ends without taking the folder with it.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _bytes_in(folder: Path | None) -> int:
    if folder is None:
        return 0
    sizes = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                sizes += entry.stat().st_size
            except OSError:
                # Renamed by another process since it was listed.
                continue
    return sizes
