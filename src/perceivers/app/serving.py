"""Serving a run on this machine until Ctrl-C."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from perceivers.app.building import build_app
from perceivers.app.limits import Limits
from perceivers.errors import PerceiversError
from perceivers.predictor import load

HOST = "127.0.0.1"
# Seconds that a connection stays open without a request. A short time closes connections into which a slow client has just
# written its next question.
KEEP_ALIVE = 120


def serve(
    run: str,
    *,
    port: int,
    device: str = "auto",
    limits: Limits | None = None,
    opens: bool = False,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve a run on 127.0.0.1 until it is told to end.

    Args:
        run: a folder that `perceivers train` wrote.
        port: 0 takes any that is free.
        device: "auto" or "cpu".
        limits: what a question may take; None: the usual.
        opens: open the page in the browser of this machine.
        tell: prints the address, once the server can be reached.

    Raises:
        PerceiversError: the port is taken.
        DataError: the folder is no run.
    """
    # First, so that a port that is taken is told before a model is loaded.
    with bound(port) as sock:
        app = build_app(load(run, device=device), run, limits or Limits())
        address = f"http://{HOST}:{sock.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=3,
            )
        )
        tell(address)
        if opens:
            webbrowser.open(address)
        try:
            server.run(sockets=[sock])
        except KeyboardInterrupt:
            # How a server is ended.
            return


def bound(port: int) -> socket.socket:
    """A socket that listens on a port of this machine.

    Raises:
        PerceiversError: the port is taken, or is not for everybody.
    """
    if not 0 <= port <= 65_535:
        raise PerceiversError(f"`port` must be from 0 to 65535, received {port}")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise PerceiversError(
            f"`port` {port} cannot be used: {error.strerror}; name another with --port, or 0 for any that is free"
        ) from error
    return sock
