"""The benchmark of the page under load: who is given somebody else's answer is found out."""

from __future__ import annotations

from typing import Any

import httpx
from serving import BAD, is_own, questions


def response(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


def test_an_answer_to_somebody_elses_question_is_found_out() -> None:
    row, expected = {"size": 3.25, "weight": 1.0, "colour": "red"}, {"kind": "small", "price": 20.0}
    own = {"size": 3.25, "kind": "small", "price": 20.000001}
    assert is_own(row, expected, response(200, {"answers": [own]}))
    for other in ({"size": 3.5}, {"kind": "big"}, {"price": 20.1}):
        assert not is_own(row, expected, response(200, {"answers": [{**own, **other}]}))
    assert not is_own(row, expected, response(503, {"error": "full"}))


def test_a_question_that_cannot_be_read_must_be_told_so_by_its_own_words() -> None:
    rows = questions(2 * BAD)
    bad = [row for row in rows if isinstance(row["size"], str)]
    assert len(bad) == 2
    error = ValueError("expected a number")
    assert is_own(bad[0], error, response(422, {"error": f"expected a number, received {bad[0]['size']!r}"}))
    assert not is_own(bad[0], error, response(422, {"error": f"received {bad[1]['size']!r}"}))
    assert not is_own(bad[0], error, response(200, {"answers": [{}]}))


def test_every_question_is_different() -> None:
    rows = questions(997)
    assert len({str(row["size"]) for row in rows}) == len(rows)
