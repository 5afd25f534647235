"""The queue in front of the model: requests that arrive together share a batch, and one that fails harms no other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
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

FAILED = "This question has made the model fail; the server's log says where."
log = logging.getLogger("perceivers.app")


@dataclass(frozen=True)
class Waiting:
    """A request in the queue.

    Args:
        rows: its questions.
        shows: whether they are to be shown to people.
        answers: set once they are there.
    """

    rows: Rows
    shows: bool
    answers: asyncio.Future[Answers]


class Batcher:
    """Asks the model in one thread, with everything that waits by then.

    Args:
        answer: asks the model; called in that thread alone.
        most_at_once: rows of a batch; a single request may have more.
        most_waiting: requests of the queue.
        patience: seconds that a request waits.
    """

    def __init__(self, answer: Answer, *, most_at_once: int, most_waiting: int, patience: float) -> None:
        self._answer, self._most_at_once = answer, most_at_once
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
        if self.num_waiting >= self._most_waiting:
            raise RefusedError(
                503, f"{self._most_waiting} requests wait already. Try again in a few seconds.", retry_after=2
            )
        waiting = Waiting(rows, shows, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        try:
            return await asyncio.wait_for(waiting.answers, self._patience)
        except TimeoutError:
            raise RefusedError(
                503,
                f"There was no answer within {self._patience:g} seconds. Ask for less at once, or try again later.",
                retry_after=10,
            ) from None

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

    def _next(self) -> list[Waiting]:
        """The requests of the next batch, in order; none of whom nobody waits for any more."""
        batch: list[Waiting] = []
        count = 0
        while self._queue:
            first = self._queue[0]
            if not first.answers.done():
                is_one_kind = not batch or first.shows == batch[0].shows
                if batch and (not is_one_kind or count + len(first.rows) > self._most_at_once):
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
        shows = batch[0].shows
        try:
            found = self._answer([row for each in batch for row in each.rows], shows)
        except Exception:
            if len(batch) > 1:
                for each in batch:
                    self._answer_batch([each], loop)
                return
            log.exception("a question has made the model fail")
            loop.call_soon_threadsafe(_set, batch[0].answers, RefusedError(500, FAILED))
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
