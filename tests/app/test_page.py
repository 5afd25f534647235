"""What people see: a field a column, answers beside the truth, sentences; and nothing that is sent becomes markup."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from app.conftest import png
from perceivers.app.building import build_app
from perceivers.app.limits import Limits
from perceivers.predictor import Predictor

HTMX = {"HX-Request": "true"}
MARKUP = "<script>alert('&')</script>"


def test_the_page_has_a_field_a_column_each_with_its_own_label(client: Any) -> None:
    page = client.get("/").text
    fields = dict(re.findall(r'<label for="([\w-]+)">(\w+)', page))
    assert sorted(fields.values()) == ["born", "house", "note", "photo", "weight"]
    for name, column in fields.items():
        assert re.search(rf'<(input|select|textarea) id="{name}" name="{column}"', page), column
    assert 'type="file" accept="image/*,.png' in page
    assert "may be left out" in page
    assert " required" not in page
    low, high = re.findall(r"training data: ([\d.,]+) to ([\d.,]+)", page)[0]
    assert float(low) < float(high)
    assert '<option value="">unknown</option>' in page
    assert "animal" not in page


def test_the_page_asks_for_nothing_from_elsewhere(client: Any) -> None:
    response = client.get("/")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    own = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert own
    assert all(each.startswith(("/", "#")) for each in own)
    for address in own:
        if address.startswith("/static"):
            assert client.get(address).status_code == 200
    assert "Zero-Clause BSD" in client.get("/static/htmx.LICENSE.txt").text
    assert "http" not in client.get("/static/style.css").text


def test_an_answer_has_words_bars_what_was_looked_at_and_the_same_question_from_elsewhere(
    client: Any,
) -> None:
    response = client.post("/ask", data={"weight": "4.5", "house": ""}, files={"photo": ("my cat.png", png())},
                           headers=HTMX)  # fmt: skip
    assert response.status_code == 200
    part = response.text
    assert part.startswith('<h2 id="answer-title">')
    assert len(re.findall(r'<span class="percent">[\d.<]+ %</span>', part)) == 3
    assert part.count('<li class="chosen">') == 1
    assert part.count("data:image/png;base64,") == 2
    assert re.search(r"\d+ ms on cpu", part)
    assert "curl http://127.0.0.1/api/predict -F &#39;photo=@my cat.png&#39; --form-string weight=4.5" in part
    assert "print(predictor([{&#39;photo&#39;: &#39;my cat.png&#39;, &#39;weight&#39;: 4.5}]))" in part


def test_a_question_of_words_and_numbers_is_a_line_of_json_for_curl(client: Any) -> None:
    part = unescape(client.post("/ask", data={"weight": "4.5", "note": "it's"}, headers=HTMX).text)
    (line,) = re.findall(r"<code>(curl .*)</code>", part)
    words = shlex.split(line)
    assert words[:5] == ["curl", "http://127.0.0.1/api/predict", "-H", "Content-Type: application/json", "-d"]
    assert json.loads(words[5]) == {"inputs": {"weight": 4.5, "note": "it's"}}
    answer = client.post("/api/predict", content=words[5], headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_without_a_script_the_whole_page_comes_back_with_the_question(client: Any) -> None:
    page = client.post("/ask", data={"weight": "4.5", "note": "purrs"}).text
    assert page.startswith("<!doctype html>")
    assert 'value="4.5"' in page
    assert re.search(r"<textarea[^>]*>\s*purrs</textarea>", page)
    assert 'class="words"' in page


def test_nothing_that_is_sent_becomes_markup(client: Any) -> None:
    answered = client.post("/ask", data={"note": MARKUP, "house": MARKUP}, files={"photo": (MARKUP, png())})
    refused = client.post("/ask", data={"weight": MARKUP})
    unknown = client.post("/ask", data={MARKUP: "1"}, headers=HTMX)
    for response in (answered, refused, unknown):
        assert "<script>alert" not in response.text
        assert "&lt;script&gt;alert" in response.text
    assert [each.status_code for each in (answered, refused, unknown)] == [200, 422, 422]


def test_a_file_that_is_no_picture_is_told_in_a_sentence(client: Any) -> None:
    response = client.post("/ask", files={"photo": ("cat.png", b"no picture")}, headers=HTMX)
    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert "cannot be read as a picture" in response.text
    assert "0x" not in response.text


def test_the_form_without_anything_is_told_what_is_missing(client: Any) -> None:
    response = client.post("/ask", data={"weight": ""}, headers=HTMX)
    assert response.status_code == 422
    assert "The question is empty: give at least one of" in response.text


def test_examples_stand_beside_their_truth_and_fill_the_form(client: Any) -> None:
    cards = client.get("/examples").text
    assert cards.count("<li>") == 5
    assert len(re.findall(r'<span class="soft">true</span>\s+animal <b>(?:bird|cat|dog)</b>', cards)) == 5
    assert cards.count('<span class="soft">model</span>') == 5
    part = client.get("/examples/1", headers=HTMX).text
    assert 'hx-swap-oob="innerHTML:#question"' in part
    assert re.search(r"the data say", part)
    (source,) = re.findall(r'<img src="(/examples/1/\d)"', part)
    picture = client.get(source)
    assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    whole = client.get("/examples/1").text
    assert whole.startswith("<!doctype html>")
    weight = re.findall(r'name="weight" type="number" step="any" value="([\d.]*)"', whole)
    assert weight


def test_an_example_is_changed_and_asked_again_with_its_picture_and_without_its_truth(client: Any) -> None:
    whole = client.get("/examples/2").text
    values = dict(re.findall(r'name="(weight|born)" [^>]*value="([^"]*)"', whole))
    values["note"] = re.findall(r"<textarea[^>]*>\n?([^<]*)</textarea>", whole)[0]
    values["house"] = re.findall(r"<option selected>(\w+)</option>", whole)[0]
    values.update({"example-of ": "2", "example-of photo": "2"})
    unchanged = client.post("/ask", data=values, headers=HTMX).text
    assert "the data say" in unchanged
    assert unchanged.count("data:image/png") == 2
    changed = client.post("/ask", data={**values, "weight": "1"}, headers=HTMX).text
    assert "the data say" not in changed
    assert changed.count("data:image/png") == 2
    removed = client.post(
        "/ask", data={name: each for name, each in values.items() if "photo" not in name}, headers=HTMX
    ).text
    assert "data:image/png" not in removed


@pytest.mark.parametrize(
    ("address", "status"), [("/examples/99", 404), ("/examples/1/99", 404), ("/examples/x", 404)]
)
def test_what_is_no_example_is_not_found(client: Any, address: str, status: int) -> None:
    assert client.get(address).status_code == status


def test_an_example_of_the_form_is_a_number(client: Any) -> None:
    response = client.post("/ask", data={"example-of photo": "../1"}, headers=HTMX)
    assert (response.status_code, "An example is named by its number." in response.text) == (422, True)


def test_a_run_whose_data_are_gone_says_so_and_works(run: Path, predictor: Predictor) -> None:
    from starlette.testclient import TestClient

    data = run.parent / "pets.csv"
    hidden = data.rename(run.parent / "elsewhere.csv")
    try:
        with TestClient(build_app(predictor, str(run), Limits()), base_url="http://127.0.0.1") as client:
            assert "There are no examples: the data of the run" in client.get("/examples").text
            assert client.post("/ask", data={"weight": "3"}, headers=HTMX).status_code == 200
    finally:
        hidden.rename(data)
