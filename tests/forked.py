"""Processes that start from one which has done the imports that take long: they are most of a short run."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Packages only: modules of the tests and of this library are imported by each process, from where its parent does.
PRELOADED = ["accelerate", "torchmetrics"]


def exit_codes(
    function: Callable[..., Any], arguments: Sequence[Any], environments: Sequence[Mapping[str, str]] = ({},)
) -> list[int | None]:
    """Call a module's function in new processes that run at once; how each ends, by the sign of the signal that ended it.

    Args:
        function: what is called.
        arguments: with what.
        environments: for each process its further environment variables.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    processes = [
        context.Process(target=_call, args=(dict(environment), function, tuple(arguments)))
        for environment in environments
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def ranks(number: int) -> list[dict[str, str]]:
    """What a launcher tells so many processes of one run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "WORLD_SIZE": str(number),
        "OMP_NUM_THREADS": "1",
    }
    shared["LOCAL_WORLD_SIZE"] = shared["WORLD_SIZE"]
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(number)]


def _call(environment: dict[str, str], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ.update(environment)
    function(*arguments)
