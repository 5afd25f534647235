"""One process a folder: a lock that ends with the process that holds it."""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceivers.errors import ConfigurationError, PerceiversError

LOCK_FILE = ".lock"
# What systems answer whose disk knows no locks, as some that are shared by machines.
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL})


@contextmanager
def alone_in(folder: Path | None) -> Iterator[None]:
    """Hold a folder that is written into; a second process that wants to is refused.

    Args:
        folder: made if absent, and removed again if it is empty in the end; None holds nothing.

    Raises:
        ConfigurationError: another process holds it.
        PerceiversError: nothing can be written there.
    """
    lock = None if folder is None else FolderLock(folder)
    if lock is not None:
        lock.take()
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


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
                        f"`output` {str(self._path.parent)!r} is in use: {_described(holder)} writes into it; wait for it, "
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
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        # Nothing can be held there, and what cannot be held is no reason to write nothing.
    return True
