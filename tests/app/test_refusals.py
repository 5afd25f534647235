"""What is refused has its status, its sentence and its headers, whether a program asks or a person."""

from __future__ import annotations

from typing import Any

import pytest

from app.conftest import LIMITS
from perceivers.app.batching import FAILED
from perceivers.app.questions import require_small
from perceivers.app.refusals import RefusedError, as_sentence
from perceivers.kinds.asked import Extent

HTMX = {"HX-Request": "true"}


def test_a_model_that_fails_is_told_and_the_next_question_is_answered(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any, **named: Any) -> Any:
        raise RuntimeError("secret of the server")

    with monkeypatch.context() as patch:
        patch.setattr(client.app.state.served.asking, "answers", fail)
        program = client.post("/api/predict", json={"inputs": {"weight": 3}})
        person = client.post("/ask", data={"weight": "3"}, headers=HTMX)
    assert (program.status_code, program.json()) == (500, {"error": FAILED})
    assert (person.status_code, "secret" in person.text) == (500, False)
    assert FAILED.replace("'", "&#39;") in person.text
    assert client.post("/api/predict", json={"inputs": {"weight": 3}}).status_code == 200


def test_a_fault_of_the_server_itself_says_nothing_of_it(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.app.state.served, "described", lambda: 1 / 0)
    response = client.get("/api/run")
    assert (response.status_code, response.json()) == (500, {"error": FAILED})


def test_a_full_queue_says_when_to_come_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*given: Any, **named: Any) -> Any:
        raise RefusedError(503, "Full.", retry_after=2)

    monkeypatch.setattr(client.app.state.served.batcher, "ask", full)
    response = client.post("/api/predict", json={"inputs": {"weight": 3}})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    whole = client.post("/ask", data={"weight": "3"})
    assert whole.text.startswith("<!doctype html>")
    assert '<p class="refusal" role="alert">Full.</p>' in whole.text


def test_too_long_a_sound_is_refused() -> None:
    require_small("song", Extent(seconds=2.0), LIMITS)
    with pytest.raises(RefusedError) as caught:
        require_small("song", Extent(seconds=2.1), LIMITS)
    assert (caught.value.status, caught.value.sentence) == (
        413, "What was given for 'song' lasts longer than 2 seconds. Cut it."
    )  # fmt: skip


def test_a_sentence_begins_large_and_ends_with_a_point() -> None:
    assert as_sentence("expected a\n number") == "Expected a number."
    assert as_sentence("Is it there?") == "Is it there?"
