"""A text is shown while it is written: events one by one, the whole at the end, and what cannot be asked has its status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers.app.building import build_app
from perceivers.app.limits import Limits
from perceivers.configuration import PerceiverConfig
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.predictor import Predictor
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Parts
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.task import TextGeneration


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from starlette.testclient import TestClient

    torch.manual_seed(5)
    sizes = {"context": 11, "num_latents": 5, "latent_channels": 8, "embedding_channels": 8, "num_layers": 1,
             "num_heads": 2, "max_new_tokens": 13, "temperature": 1.5}  # fmt: skip
    arguments = TextGenerationArguments(size="usual", **sizes)
    model = PerceiverForCausalLM(PerceiverConfig(**arguments.config_values(), vocab_size=262)).eval()
    torch.nn.init.normal_(model.lm_head.weight)
    parts = Parts(model, PerceiverTokenizer())
    predictor = Predictor(TextGeneration(arguments), parts, model.prepare(), {})
    folder: Path = tmp_path_factory.mktemp("none")
    with TestClient(
        build_app(predictor, str(folder), Limits(patience=600.0)), base_url="http://127.0.0.1"
    ) as client:
        yield client


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for part in text.removesuffix("\n\n").split("\n\n"):
        name, data = part.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_pieces_come_one_by_one_and_are_the_answer_together(writer: Any) -> None:
    row = {"text": "abc", "seed": 3}
    response = writer.post("/api/pieces", json={"inputs": row})
    assert response.headers["Content-Type"].startswith("text/event-stream")
    *pieces, (last, answer) = events(response.text)
    assert {name for name, _ in pieces} == {"piece"}
    assert (last, answer["written"]) == ("end", "".join(piece for _, piece in pieces))
    whole = writer.post("/api/predict", json={"inputs": row}).json()["answers"][0]
    assert whole["written"] == answer["written"]


def test_the_description_has_the_address_of_pieces(writer: Any) -> None:
    paths = writer.get("/api/openapi.json").json()["paths"]
    assert set(paths["/api/pieces"]["post"]["responses"]["200"]["content"]) == {"text/event-stream"}


def test_the_page_gets_its_part_at_the_end(writer: Any) -> None:
    assert 'data-pieces="/ask/pieces"' in writer.get("/").text
    *_, (last, part) = events(writer.post("/ask/pieces", data={"text": "<b>", "seed": ""}).text)
    assert last == "end"
    assert part.startswith('<h2 id="answer-title">')
    assert "<b>" not in part
    assert "perceivers.load(" in part
    assert "<h3>Token by token, darker where it was less likely</h3>" in part


def test_what_cannot_be_written_on_is_refused_before_anything_is_sent(writer: Any) -> None:
    seed = writer.post("/api/pieces", json={"inputs": {"text": "a", "seed": -1}})
    assert (seed.status_code, seed.json()["error"]) == (
        422, "'seed' must be a whole number of 0 or more, received -1."
    )  # fmt: skip
    several = writer.post("/api/pieces", json={"inputs": [{"text": "a"}, {"text": "b"}]})
    assert (several.status_code, several.json()["error"]) == (
        422, "Pieces are those of one row. Ask for one at a time."
    )  # fmt: skip
