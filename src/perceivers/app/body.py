"""Bodies that are too long are refused while they arrive, and never held."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perceivers.app.refusals import RefusedError

# So many times the limit is read and thrown away, so that the client hears the sentence instead of a broken connection.
MOST_DISCARDED = 16


class BodyLimit:
    """An application that is not given more bytes than it takes.

    Args:
        app: what is behind it.
        most: bytes of a body.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; too long a body raises RefusedError where it is read."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received <= self._most:
                return message
            while message.get("more_body") and received <= MOST_DISCARDED * self._most:
                message = await receive()
                received += len(message.get("body", b""))
            raise RefusedError(
                413,
                f"The request is larger than the {self._most >> 20} MiB that are taken. Send a smaller file.",
            )

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
