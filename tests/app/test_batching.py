"""The queue: what arrives together shares a batch, what is too much is told so, and what fails harms no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from perceivers.app.batching import FAILED, Answers, Batcher, Rows
from perceivers.app.refusals import RefusedError
from perceivers.errors import DataError
from perceivers.tasks.base import Prediction


def echo(rows: Rows, shows: bool) -> Answers:
    """Each row's number again; a row of "bad" fails the model."""
    if any(row["n"] == "bad" for row in rows):
        raise RuntimeError("the model has no idea")
    return [
        DataError("odd") if row["n"] == "odd" else Prediction("", {"n": row["n"], "shows": shows}, {})
        for row in rows
    ]


def run(
    story: Callable[[Batcher], Coroutine[Any, Any, None]], answer: Any = echo, **settings: Any
) -> Batcher:
    batcher = Batcher(answer, **{"most_at_once": 7, "most_waiting": 50, "patience": 20.0, **settings})

    async def main() -> None:
        task = asyncio.create_task(batcher.run())
        await story(batcher)
        task.cancel()

    asyncio.run(main())
    return batcher


def rows(*numbers: Any) -> list[dict[str, Any]]:
    return [{"n": number} for number in numbers]


def said(answers: Answers) -> list[Any]:
    return [str(each) if isinstance(each, DataError) else each.values["n"] for each in answers]


def test_requests_that_arrive_together_share_batches_and_each_gets_its_own_answers() -> None:
    async def story(batcher: Batcher) -> None:
        found = await asyncio.gather(*(batcher.ask(rows(n, n + 100), shows=False) for n in range(11)))
        assert [said(each) for each in found] == [[n, n + 100] for n in range(11)]

    batcher = run(story)
    # Three requests of two rows fit into seven.
    assert (batcher.num_answered, batcher.num_batches) == (22, 4)


def test_a_request_larger_than_a_batch_is_answered_alone() -> None:
    async def story(batcher: Batcher) -> None:
        large, small = await asyncio.gather(
            batcher.ask(rows(*range(13)), shows=False), batcher.ask(rows(1), shows=False)
        )
        assert (said(large), said(small)) == (list(range(13)), [1])

    assert run(story).num_batches == 2


def test_what_is_shown_and_what_is_not_are_different_batches() -> None:
    async def story(batcher: Batcher) -> None:
        (shown,), (plain,) = await asyncio.gather(
            batcher.ask(rows(1), shows=True), batcher.ask(rows(2), shows=False)
        )
        assert isinstance(shown, Prediction)
        assert isinstance(plain, Prediction)
        assert (shown.values["shows"], plain.values["shows"]) == (True, False)

    assert run(story).num_batches == 2


class Panic(BaseException):
    """What errors of compiled code are: no Exception."""


@pytest.mark.parametrize("raised", [SystemExit(3), Panic("at line 7")])
def test_an_error_that_would_end_the_program_ends_one_question(raised: BaseException) -> None:
    def answer(asked: Rows, shows: bool) -> Answers:
        if any(row["n"] == "bad" for row in asked):
            raise raised
        return echo(asked, shows)

    async def story(batcher: Batcher) -> None:
        found = await asyncio.gather(
            *(batcher.ask(rows(n), shows=False) for n in (1, "bad", 2)), return_exceptions=True
        )
        assert isinstance(found[1], RefusedError)
        assert found[1].sentence == FAILED
        assert [said(found[0]), said(found[2])] == [[1], [2]]
        assert said(await batcher.ask(rows(5), shows=False)) == [5]

    run(story, answer)


def test_a_question_that_fails_takes_no_other_down() -> None:
    async def story(batcher: Batcher) -> None:
        found = await asyncio.gather(
            *(batcher.ask(rows(n), shows=False) for n in (1, "bad", "odd", 4)), return_exceptions=True
        )
        assert isinstance(found[1], RefusedError)
        assert (found[1].status, found[1].sentence) == (500, FAILED)
        assert [said(each) for each in (found[0], found[2], found[3])] == [[1], ["odd"], [4]]  # type: ignore[arg-type]
        assert said(await batcher.ask(rows(5), shows=False)) == [5]

    run(story)


def test_a_full_queue_says_that_it_is_full_and_goes_on() -> None:
    go = threading.Event()

    def slow(some: Rows, shows: bool) -> Answers:
        go.wait(20.0)
        return echo(some, shows)

    async def story(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.ask(rows(0), shows=False))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(batcher.ask(rows(n), shows=False)) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        assert batcher.num_waiting == 3
        with pytest.raises(
            RefusedError, match=r"3 requests wait already\. Try again in a few seconds\."
        ) as caught:
            await batcher.ask(rows(4), shows=False)
        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "2"})
        go.set()
        assert [said(await each) for each in (first, *waiting)] == [[0], [1], [2], [3]]

    run(story, slow, most_waiting=3)


def test_whoever_waits_too_long_is_told_so_and_leaves_the_queue() -> None:
    go = threading.Event()

    def slow(some: Rows, shows: bool) -> Answers:
        go.wait(20.0)
        return echo(some, shows)

    async def story(batcher: Batcher) -> None:
        late = await asyncio.gather(
            *(batcher.ask(rows(n), shows=False) for n in range(2)), return_exceptions=True
        )
        assert [each.status for each in late if isinstance(each, RefusedError)] == [503, 503]
        assert str(late[0]).startswith("There was no answer within 0.1 seconds.")
        go.set()
        assert batcher.num_waiting == 0

    run(story, slow, patience=0.1)


def letters(row: Any, write: Callable[[str], None]) -> Prediction | DataError:
    """A word letter by letter; "bad" fails the model in its middle."""
    for letter in row["n"]:
        if letter == "!":
            raise RuntimeError("the model has no idea")
        write(letter)
    return DataError("odd") if row["n"] == "" else Prediction("", {"n": row["n"]}, {})


async def gathered(batcher: Batcher, word: str) -> list[Any]:
    found = [each async for each in batcher.pieces({"n": word})]
    return [each.values["n"] if isinstance(each, Prediction) else each for each in found]


def test_an_answer_comes_piece_by_piece_and_others_are_answered_before_and_after() -> None:
    async def story(batcher: Batcher) -> None:
        before, written, after = await asyncio.gather(
            batcher.ask(rows(1), shows=False), gathered(batcher, "abc"), batcher.ask(rows(2), shows=False)
        )
        assert (said(before), written, said(after)) == ([1], ["a", "b", "c", "abc"], [2])
        (error,) = await gathered(batcher, "")
        assert str(error) == "odd"
        with pytest.raises(RefusedError, match="made the model fail"):
            await gathered(batcher, "a!")
        assert await gathered(batcher, "z") == ["z", "z"]

    run(story, write_on=letters)


def test_nothing_is_written_on_for_somebody_who_has_gone() -> None:
    told: list[str] = []
    go = threading.Event()

    def slow(row: Any, write: Callable[[str], None]) -> Prediction:
        for letter in row["n"]:
            told.append(letter)
            write(letter)
            go.wait(20.0)
        return Prediction("", {}, {})

    async def story(batcher: Batcher) -> None:
        pieces = batcher.pieces({"n": "abcdef"})
        assert await anext(pieces) == "a"
        await pieces.aclose()  # type: ignore[attr-defined]
        go.set()
        assert said(await batcher.ask(rows(3), shows=False)) == [3]
        assert told == ["a", "b"]

    run(story, write_on=slow)
