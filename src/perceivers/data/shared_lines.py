"""Lines that several processes note and one of them reads: those of worker processes reach the run by a file."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from contextlib import suppress


class SharedLines:
    """Lines that are noted here, or in a copy of this object in another process of the same machine.

    They lie in a temporary file, made now, so that all copies know it: a pipe would hold a worker back once it is full. The
    file goes with the object that was made first.
    """

    def __init__(self) -> None:
        file, self._path = tempfile.mkstemp(prefix="perceivers-lines-")
        os.close(file)
        weakref.finalize(self, _remove, self._path, os.getpid())

    def add(self, line: str) -> None:
        """Note a line."""
        # One write a line, at the end of the file: lines of several processes do not mix.
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, f"{json.dumps(line)}\n".encode())
        finally:
            os.close(file)

    def read(self) -> list[str]:
        """All lines so far, in the order in which they were noted."""
        with open(self._path, encoding="utf-8") as file:
            return [str(json.loads(line)) for line in file]


def _remove(path: str, process: int) -> None:
    # A worker process ends with a copy of the object.
    if os.getpid() == process:
        with suppress(OSError):
            os.unlink(path)
