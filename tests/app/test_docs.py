"""docs/app.md: its commands are understood, its curl lines are answered, its statuses are those of the description."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from app.conftest import png
from documented import ROOT, blocks_of, commands_of
from perceivers.app.limits import Limits
from perceivers.cli import app

PAGE = ROOT / "docs" / "app.md"


def test_the_commands_are_understood_and_the_options_are_there() -> None:
    (command,) = commands_of(PAGE)
    options = re.findall(r"`(--[a-z]+)`", PAGE.read_text(encoding="utf-8"))
    assert {option[2:] for option in options} <= set(vars(Limits()))
    given = [word for option in options for word in (option, "1")]
    app.parse_args([*command, *given], exit_on_error=False, print_error=False)


def test_the_curl_lines_are_answered(client: Any, tmp_path: Path) -> None:
    (in_json,), (as_form,) = (
        [shlex.split(line) for line in block.splitlines() if line.startswith("curl ")]
        for block in blocks_of(PAGE, "sh")[1:]
    )
    assert in_json[1] == as_form[1] == "http://127.0.0.1:7860/api/predict"
    body = in_json[in_json.index("-d") + 1]
    answered = client.post("/api/predict", content=body, headers={"Content-Type": "application/json"})
    fields = [word.partition("=") for word, flag in zip(as_form[1:], as_form, strict=False) if flag == "-F"]
    files = {
        name: ("cat.png", png()) if value.startswith("@") else (None, value) for name, _, value in fields
    }
    for response in (answered, client.post("/api/predict", files=files)):
        assert response.status_code == 200
        assert {"animal", "animal_probability", "price"} <= set(response.json()["answers"][0])
    (example,) = blocks_of(PAGE, "json")
    assert set(json.loads(example)) == set(answered.json())


def test_the_statuses_are_those_of_the_description(client: Any) -> None:
    listed = re.findall(r"^\| (\d{3}) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    document = client.get("/api/openapi.json").json()
    assert {"200", *listed} == set(document["paths"]["/api/predict"]["post"]["responses"])


def test_the_picture_of_the_page_is_there_and_small() -> None:
    picture = ROOT / "docs" / "app.png"
    assert picture.stat().st_size < 100_000
    assert "](app.png)" in PAGE.read_text(encoding="utf-8")
