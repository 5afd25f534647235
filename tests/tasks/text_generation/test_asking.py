"""People ask a run to write on: piece by piece or at once the same, no text is a file, another number another text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.errors import DataError
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.processors.events import EventVocabulary
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Parts, Prediction
from perceivers.tasks.registry import asking_of
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.task import TextGeneration


def asking(processor: Any, num_ids: int, **given: Any) -> Any:
    torch.manual_seed(5)
    sizes = {"context": 11, "num_latents": 5, "latent_channels": 8, "embedding_channels": 8, "num_layers": 1,
             "num_heads": 2, "max_new_tokens": 23, "temperature": 1.5}  # fmt: skip
    arguments = TextGenerationArguments(size="usual", **sizes, **given)
    model = PerceiverForCausalLM(PerceiverConfig(**arguments.config_values(), vocab_size=num_ids)).eval()
    torch.nn.init.normal_(model.lm_head.weight)
    return asking_of(TextGeneration(arguments), Parts(model, processor), model.prepare())


@pytest.fixture(scope="module")
def texts() -> Any:
    return asking(PerceiverTokenizer(), 262)


def test_what_comes_piece_by_piece_is_the_answer(texts: Any) -> None:
    row = {"text": "abc", "seed": "3"}
    pieces: list[str] = []
    written = texts.write_on(row, pieces.append)
    (whole,) = texts.answers([row])
    assert isinstance(written, Prediction)
    assert "".join(pieces) == written.values["written"] == whole.values["written"]
    assert len(pieces) > 1
    (other,) = texts.answers([{"text": "abc", "seed": 4}])
    assert other.values != whole.values
    (said,) = texts.said(whole)
    assert (said.title, said.words) == ("written", whole.values["written"])
    html = texts.html(whole)
    assert html.startswith('<pre><span class="given">')
    assert html.count('class="token"') > 3


def test_a_text_is_no_file_and_may_be_empty(texts: Any, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("<b>")
    name = str(tmp_path / "x.txt")
    by_name, markup, nothing = texts.answers([{"text": name}, {"text": "<b>"}, {}])
    assert by_name.shown["num_given"] == len(name)
    assert "<b>" not in texts.html(markup)
    assert nothing.values["tokens"] >= 1
    assert texts.python({"text": "a"}) == "['a']"


@pytest.mark.parametrize("seed", ["1.5", -1, "x", "inf"])
def test_what_is_no_seed_is_named(texts: Any, seed: Any) -> None:
    (error,) = texts.answers([{"text": "a", "seed": seed}])
    assert str(error) == f"'seed' must be a whole number of 0 or more, received {seed!r}"
    assert isinstance(texts.write_on({"text": "a", "seed": seed}, print), DataError)
    (number,) = texts.answers([{"text": 3}])
    assert str(number) == "'text' must be a text, received int"


def test_what_write_raises_ends_the_writing(texts: Any) -> None:
    told: list[str] = []

    def write(piece: str) -> None:
        told.append(piece)
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        texts.write_on({"text": "abc"}, write)
    assert len(told) == 1


def test_examples_are_the_beginning_of_a_stretch_and_how_it_goes_on(texts: Any) -> None:
    piece = SimpleNamespace(values=np.frombuffer(b"the quick brown fox", dtype=np.uint8))
    crop = SimpleNamespace(piece=piece, start=5, end=15)

    class Samples(list[Any]):
        def name(self, index: int) -> str:
            return f"stretch {index}"

    example = texts.example(Samples([crop]), 0)
    # Places are one further than values; half of them are given.
    assert (example.name, example.cells, example.truth) == (
        "stretch 0", {"text": "quick"}, {"written": " brown"}
    )  # fmt: skip


def test_events_are_whole_numbers() -> None:
    events = asking(EventVocabulary(range(60, 70)), 13, event_column="notes")
    pieces: list[str] = []
    answer = events.write_on({"text": "60 61"}, pieces.append)
    assert "".join(pieces).split() == answer.values["written"].split()
    assert "whole numbers" in events.fields[0].hint
    (wrong,) = events.answers([{"text": "60 a"}])
    assert "must have whole numbers" in str(wrong)
