"""One run a folder: a lock that ends with the process that holds it, and a check that all processes share one folder."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.errors import ConfigurationError, PerceiversError

if TYPE_CHECKING:
    from accelerate import Accelerator

LOCK_FILE = ".lock"
# Seconds that a shared disk is given to show one machine what another has written.
PATIENCE = 10.0


class FolderLock:
    """Holds a folder for one process. The system lets go of it when the process ends, however it ends.

    Args:
        folder: made if absent, and removed again if it is empty in the end.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._made = [each for each in (folder, *folder.parents) if not each.exists()]
        self._file: int | None = None
        self._has_begun = False
        self.token = secrets.token_hex(8)

    def take(self) -> None:
        """Take the lock.

        Raises:
            ConfigurationError: another process holds it.
            PerceiversError: nothing can be written there.
        """
        self._has_begun = True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while self._file is None:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
                if not _lock(file):
                    holder = os.pread(file, 200, 0).decode("utf-8", "replace") if hasattr(os, "pread") else ""
                    os.close(file)
                    raise ConfigurationError(
                        f"`output` {str(self._path.parent)!r} is in use: {_described(holder)} trains into it; wait for it, "
                        "or give another folder"
                    )
                # Its holder may have removed the file between the two calls above.
                if self._path.exists() and os.path.samestat(os.fstat(file), self._path.stat()):
                    self._file = file
                else:
                    os.close(file)
            os.ftruncate(self._file, 0)
            said = {"process": os.getpid(), "machine": socket.gethostname(), "token": self.token}
            os.write(self._file, json.dumps(said).encode("utf-8"))
        except OSError as error:
            self.release()
            if isinstance(error, PerceiversError):
                raise
            raise PerceiversError(
                f"`output` {str(self._path.parent)!r} cannot be written to: {error.strerror or error}; give another folder, "
                "or make room there"
            ) from error

    def release(self) -> None:
        """Let go of the folder, and remove what was made for the lock alone."""
        if not self._has_begun:
            return
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
        for each in self._made:
            try:
                each.rmdir()
            except OSError:
                # It holds something by now, or was never made.
                break


def require_shared(folder: Path, token: str, accelerator: Accelerator) -> None:
    """Check that all processes see the folder that the main one has locked.

    Args:
        folder: of the run, as this process calls it.
        token: of the main process's lock, known to all.
        accelerator: joins the processes.

    Raises:
        ConfigurationError: on all processes, where one has another folder or another disk.
    """
    if accelerator.num_processes == 1:
        return
    from accelerate.utils import gather_object

    ended = time.monotonic() + PATIENCE
    while not (is_seen := _token_in(folder) == token) and time.monotonic() < ended:
        time.sleep(0.1)
    said = gather_object([(accelerator.process_index, socket.gethostname(), str(folder.absolute()), is_seen)])
    others = [
        f"process {number} on {host} with {path!r}" for number, host, path, has_seen in said if not has_seen
    ]
    if others:
        raise ConfigurationError(
            f"`output` must be one folder that all processes share; the main process writes into {said[0][2]!r} on "
            f"{said[0][1]}, which was not found by {'; '.join(others)}: give all of them the same --output on a shared disk"
        )


def _token_in(folder: Path) -> str | None:
    try:
        said: dict[str, Any] = json.loads((folder / LOCK_FILE).read_text(encoding="utf-8"))
        return str(said["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _described(holder: str) -> str:
    try:
        said = json.loads(holder)
        return f"process {said['process']} on {said['machine']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _lock(file: int) -> bool:
    """Take the system's lock on an open file; False where another holds it."""
    try:
        import fcntl
    except ImportError:
        # Windows refuses to remove a file that another process has open instead.
        import msvcrt

        try:
            # Past the text, which others are to read.
            os.lseek(file, 1 << 20, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            os.lseek(file, 0, os.SEEK_SET)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
