"""The queue in front of the model: requests that arrive together share a batch, and one that fails harms no other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from perceivers.app.refusals import RefusedError
from perceivers.errors import DataError
from perceivers.tasks.base import Prediction

Answers = list[Prediction | DataError]
Rows = Sequence[Mapping[str, Any]]
# Called with rows, and whether they are to be shown to people.
Answer = Callable[[Rows, bool], Answers]
# Called with a row, and with what receives the pieces of its answer.
WriteOn = Callable[[Mapping[str, Any], Callable[[str], None]], Prediction | DataError]

FAILED = "This question has made the model fail; the server's log says where."
log = logging.getLogger("perceivers.app")


@dataclass(frozen=True)
class Waiting:
    """A request in the queue.

    Args:
        rows: its questions.
        shows: whether they are to be shown to people.
        answers: set once they are there.
        write: receives the pieces of the only row's answer while it is made; None: it is given whole.
    """

    rows: Rows
    shows: bool
    answers: asyncio.Future[Answers]
    write: Callable[[str], None] | None = None


class NobodyWaits(Exception):  # noqa: N818 - it is no error
    """Whoever asked has gone while the answer was written."""


class Batcher:
    """Asks the model in one thread, with everything that waits by then.

    Args:
        answer: asks the model; called in that thread alone.
        write_on: asks it for an answer piece by piece; the same.
        most_at_once: rows of a batch; a single request may have more.
        most_waiting: requests of the queue.
        patience: seconds that a request waits.
    """

    def __init__(
        self,
        answer: Answer,
        write_on: WriteOn | None = None,
        *,
        most_at_once: int,
        most_waiting: int,
        patience: float,
    ) -> None:
        self._answer, self._write_on, self._most_at_once = answer, write_on, most_at_once
        self._most_waiting, self._patience = most_waiting, patience
        self._queue: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="perceivers-model")
        self.num_answered = self.num_batches = 0

    @property
    def num_waiting(self) -> int:
        """Requests in the queue that somebody waits for."""
        return sum(not each.answers.done() for each in self._queue)

    async def ask(self, rows: Rows, *, shows: bool) -> Answers:
        """Wait for the answers to some rows, in order.

        Raises:
            RefusedError: the queue is full, the wait was too long, or the model has failed.
        """
        waiting = self._queued(rows, shows)
        try:
            return await asyncio.wait_for(waiting.answers, self._patience)
        except TimeoutError:
            raise self._too_late() from None

    async def pieces(self, row: Mapping[str, Any]) -> AsyncIterator[str | Prediction | DataError]:
        """The answer to a row piece by piece while it is made, and in the end the whole of it.

        Raises:
            RefusedError: see `ask`; for the wait until the first piece.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[str | None] = asyncio.Queue()

        def write(piece: str) -> None:
            # In the model's thread, which must not go on writing for nobody.
            if waiting.answers.done():
                raise NobodyWaits
            loop.call_soon_threadsafe(found.put_nowait, piece)

        waiting = self._queued([row], True, write)
        waiting.answers.add_done_callback(lambda _: found.put_nowait(None))
        try:
            piece = await asyncio.wait_for(found.get(), self._patience)
            while piece is not None:
                yield piece
                piece = await found.get()
            yield (await waiting.answers)[0]
        except TimeoutError:
            raise self._too_late() from None
        finally:
            waiting.answers.cancel()

    async def run(self) -> None:
        """Answer what comes, until this is cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._arrived.wait()
                batch = self._next()
                if batch:
                    await loop.run_in_executor(self._thread, self._answer_batch, batch, loop)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _queued(self, rows: Rows, shows: bool, write: Callable[[str], None] | None = None) -> Waiting:
        if self.num_waiting >= self._most_waiting:
            raise RefusedError(
                503, f"{self._most_waiting} requests wait already. Try again in a few seconds.", retry_after=2
            )
        waiting = Waiting(rows, shows, asyncio.get_running_loop().create_future(), write)
        self._queue.append(waiting)
        self._arrived.set()
        return waiting

    def _too_late(self) -> RefusedError:
        return RefusedError(
            503,
            f"There was no answer within {self._patience:g} seconds. Ask for less at once, or try again later.",
            retry_after=10,
        )

    def _next(self) -> list[Waiting]:
        """The requests of the next batch, in order; none of whom nobody waits for any more."""
        batch: list[Waiting] = []
        count = 0
        while self._queue:
            first = self._queue[0]
            if not first.answers.done():
                is_alike = not batch or (
                    first.shows == batch[0].shows and first.write is None and batch[0].write is None
                )
                if batch and (not is_alike or count + len(first.rows) > self._most_at_once):
                    break
                batch.append(first)
                count += len(first.rows)
            self._queue.popleft()
        if not self._queue:
            self._arrived.clear()
        return batch

    def _answer_batch(self, batch: Sequence[Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """In the model's thread: answer together; where that fails, each request alone."""
        self.num_batches += 1
        first = batch[0]
        try:
            if first.write is not None and self._write_on is not None:
                found = [self._write_on(first.rows[0], first.write)]
            else:
                found = self._answer([row for each in batch for row in each.rows], first.shows)
        except NobodyWaits:
            return
        except BaseException:
            # Libraries raise SystemExit, and errors of compiled code that are no Exception: they would end the event loop.
            if len(batch) > 1:
                for each in batch:
                    self._answer_batch([each], loop)
                return
            log.exception("a question has made the model fail")
            loop.call_soon_threadsafe(_set, first.answers, RefusedError(500, FAILED))
            return
        read = 0
        for each in batch:
            self.num_answered += len(each.rows)
            loop.call_soon_threadsafe(_set, each.answers, found[read : read + len(each.rows)])
            read += len(each.rows)


def _set(answers: asyncio.Future[Answers], found: Answers | RefusedError) -> None:
    # Who asked may have gone in the meantime.
    if answers.done():
        return
    if isinstance(found, RefusedError):
        answers.set_exception(found)
    else:
        answers.set_result(found)
