"""A check that all processes of a run share the folder that the main one has locked."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.errors import ConfigurationError
from perceivers.folder_lock import LOCK_FILE

if TYPE_CHECKING:
    from accelerate import Accelerator

# Seconds that a shared disk is given to show one machine what another has written.
PATIENCE = 10.0


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
