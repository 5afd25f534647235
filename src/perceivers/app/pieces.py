"""An answer that is shown while it is written: server-sent events, a piece each, and the whole at the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import StreamingResponse

from perceivers.app.refusals import RefusedError, as_sentence, unreadable
from perceivers.errors import DataError
from perceivers.tasks.base import Prediction

Piece = str | Prediction | DataError


async def as_events(pieces: AsyncIterator[Piece], whole: Callable[[Prediction], Any]) -> StreamingResponse:
    """The response, once the first piece is there; what goes wrong before that is refused with its own status.

    Args:
        pieces: of the answer; the last one is the answer itself.
        whole: from the answer to what the last event says, as JSON.

    Raises:
        RefusedError: the question cannot be answered.
    """
    first = await anext(pieces)
    if isinstance(first, DataError):
        raise unreadable(first)
    return StreamingResponse(
        _events(first, pieces, whole), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(
    first: Piece, others: AsyncIterator[Piece], whole: Callable[[Prediction], Any]
) -> AsyncIterator[str]:
    """`piece` events, then `end`; or `error` with a sentence."""
    piece = first
    try:
        while isinstance(piece, str):
            yield _event("piece", piece)
            piece = await anext(others)
        if isinstance(piece, DataError):
            yield _event("error", as_sentence(piece))
        else:
            yield _event("end", whole(piece))
    except RefusedError as refused:
        yield _event("error", refused.sentence)


def _event(name: str, value: Any) -> str:
    # JSON has no ends of lines, which would end an event.
    return f"event: {name}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n"
