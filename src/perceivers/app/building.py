"""The application of a run: its addresses, what stands before them, and what becomes of whatever goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perceivers.app.batching import FAILED
from perceivers.app.body import BodyLimit
from perceivers.app.limits import Limits
from perceivers.app.refusals import RefusedError
from perceivers.app.rendering import Pages
from perceivers.app.routes import routes_of
from perceivers.app.served import ServedRun
from perceivers.predictor import Predictor

# By these names alone, so that no page of somebody else's can speak to it through a name of its own.
LOCAL = ("127.0.0.1", "localhost")
# Nothing from elsewhere, no script in the page itself. Pictures and sounds of answers are inside it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; connect-src 'self' blob:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Addresses that answer with JSON, whatever happens.
OF_PROGRAMS = ("/api/", "/health")


def build_app(predictor: Predictor, folder: str, limits: Limits, hosts: Sequence[str] = LOCAL) -> Starlette:
    """The application.

    Args:
        predictor: the run.
        folder: of the run, as the user named it.
        limits: what a question may take.
        hosts: names that it may be spoken to by; "*" for any.
    """
    served = ServedRun(predictor, folder, limits)
    pages = Pages(served)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        served.examples.start()
        task = asyncio.create_task(served.batcher.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def refuse(request: Request, error: Exception) -> Response:
        if isinstance(error, RefusedError):
            return _refusal(pages, request, error)
        if isinstance(error, HTTPException):
            return _refusal(pages, request, RefusedError(error.status_code, f"{error.detail}."))
        return _refusal(pages, request, RefusedError(500, FAILED))

    app = Starlette(
        routes=routes_of(served, pages),
        middleware=[
            Middleware(WithHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
            Middleware(BodyLimit, most=limits.body),
        ],
        exception_handlers={RefusedError: refuse, HTTPException: refuse, Exception: refuse},
        lifespan=lifespan,
    )
    app.state.served = served
    return app


class WithHeaders:
    """An application whose answers say what browsers may do with them.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _refusal(pages: Pages, request: Request, refusal: RefusedError) -> Response:
    """As JSON for programs; for people as a part of the page, or the whole."""
    status, headers = refusal.status, refusal.headers
    if request.url.path.startswith(OF_PROGRAMS):
        return JSONResponse({"error": refusal.sentence}, status, headers)
    if request.headers.get("hx-request") == "true":
        return HTMLResponse(pages.part("refusal", refusal=refusal), status, headers)
    return HTMLResponse(pages.page(refusal=refusal), status, headers)
