"""Filling hidden words: gaps, guesses, a tiny run from training to answers, and the paper's recipe."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments, from_mapping, read_recipe
from perceivers.errors import DataError
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.text_building import text_config
from perceivers.predictor import Predictor, load
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.base import Prediction, Unreadable
from perceivers.tasks.fill_mask.answers import likeliest_rows
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.fill_mask.prompts import parse, read_prompts
from perceivers.tasks.fill_mask.task import FillMask, TextWindow
from perceivers.tasks.registry import load_task
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

RECIPES = Path(__file__).parents[3] / "recipes"
TINY = {
    "size": "usual",
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "embedding_channels": 8,
    "max_length": 37,
}


def test_marks_become_gaps() -> None:
    prompt = parse(b"a [MASK:3] of[MASK][MASK:2].", "typed")
    assert (prompt.text, prompt.gaps) == (b"a xxx ofxxx.", ((2, 5), (8, 11)))
    with pytest.raises(DataError, match="`inputs` must have gaps"):
        parse(b"whole", "whole")


def test_an_empty_input_is_a_text_without_gaps() -> None:
    with pytest.raises(DataError, match=r"`inputs` must have gaps, .*, received '' without"):
        list(read_prompts([""], (".txt",)))


def test_the_likeliest_sequences_are_those_of_all() -> None:
    choices = np.log([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]])
    found = likeliest_rows(choices, 3)
    # 0.6 x 0.5, 0.6 x 0.4, 0.3 x 0.5.
    assert [row for _, row in found] == [(0, 0), (0, 1), (1, 0)]
    assert [math.exp(total) for total, _ in found] == pytest.approx([0.3, 0.24, 0.15])


def test_a_tiny_run_is_trained_measured_again_and_asked(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 60)
    results = train(
        FillMask(FillMaskArguments(**TINY)),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(tmp_path / "text.txt")),
            training=TrainingArguments(steps=3, batch_size=5, device="cpu"),
            pictures=False,
        ),
    )
    again = evaluate(tmp_path / "run", device="cpu", output=tmp_path)
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-4)
    (answer,) = predict(tmp_path / "run", ["the [MASK:5] fox"], tmp_path / "answers", device="cpu")
    assert len(answer.values["filled"].encode()) == len("the quick fox")
    assert "gap 1, 5 bytes" in (tmp_path / "answers" / "predictions.html").read_text()
    _ask_as_people_do(tmp_path, answer.values["filled"])


def test_what_cannot_be_filled_is_an_error_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 60)
    task = FillMask(FillMaskArguments(**TINY))
    parts = task.build(task.load_data(DataArguments(data=str(tmp_path))))
    predictor = Predictor(task, parts, parts.model.eval().prepare(), {})
    wide = f"[MASK:{predictor.parts.model.config.max_position_embeddings}]"
    asked = ["no gap", "the [MASK:5] fox", None, wide, "\ud800[MASK]", "the [MASK:5] fox", 5]
    answers = predictor(asked)
    assert [isinstance(each, DataError) for each in answers] == [True, False, True, True, True, False, True]
    assert answers[1] == answers[5]
    assert "received 'no gap' without" in str(answers[0])
    assert str(answers[2]).startswith("`values, row 3` must be a text or a path, received None (NoneType)")
    assert "in a word that is longer than the model takes" in str(answers[3])
    assert str(answers[4]) == (
        "the text '\\ud800[MASK]' cannot be written as UTF-8: half of a surrogate pair at character 0"
    )
    assert str(answers[6]).startswith("`values, row 7` must be a text or a path, received 5 (int)")
    left_out: list[Unreadable] = []
    assert len(predictor.predictions([wide, "the [MASK:5] fox"], left_out)) == 1
    assert len(left_out) == 1
    with pytest.raises(DataError, match="`values` must be a list, received str: put one value in a list"):
        predictor("the [MASK:5] fox")


def _ask_as_people_do(folder: Path, filled: str) -> None:
    """A text that names a file is a text; markup is none; examples hide what evaluation hides."""
    predictor = load(folder / "run", device="cpu")
    asking = predictor.asking()
    assert [(each.column, each.form, each.needed) for each in asking.fields] == [("text", "words", True)]
    marked = {"text": "<b>[MASK:2]</b>"}
    first, second, named, number, empty = asking.answers(
        [{"text": "the [MASK:5] fox"}, marked, {"text": str(folder / "text.txt")}, {"text": 3}, {"text": " "}]
    )
    assert isinstance(first, Prediction)
    assert isinstance(second, Prediction)
    assert first.values["filled"] == filled
    (said,) = asking.said(first)
    assert (said.title, said.words, said.chosen) == ("gap 1", filled[4:9], {filled[4:9]})
    assert asking.html(second).startswith("<p>&lt;b&gt;<mark>")
    assert str(named).startswith("`text` must have gaps, [MASK] for a byte or [MASK:7] for a word of 7 bytes")
    assert str(number) == "'text' must be a text, received int"
    assert str(empty) == "'text' is missing, and this model cannot do without it"
    assert asking.python({"text": "a [MASK]"}) == "['a [MASK]']"
    task, run = load_task(folder / "run")
    example = asking.example(task.load_data(run.data, predictor.parts).validation, 0)
    assert example.truth.keys() == {f"gap {number}" for number in range(1, len(example.truth) + 1)}
    text = example.cells["text"]
    for word in example.truth.values():
        text = text.replace(f"[MASK:{len(word)}]", word, 1)
    assert text in "the quick brown fox jumps over the lazy dog\n" * 60
    (answered,) = asking.answers([example.cells])
    assert [each.title for each in asking.said(answered)] == list(example.truth)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "runs"), [("word", {(0, 3), (4, 7)}), ("byte", {(i, i + 1) for i in range(7)} - {(3, 4)})]
)
def test_words_are_hidden_whole_and_bytes_one_by_one(unit: str, runs: set[tuple[int, int]]) -> None:
    task = FillMask(FillMaskArguments(**TINY, mask_fraction=0.3, mask_unit=unit))
    drawn = [
        task.vary(TextWindow(b"abc def", 0, 7), np.random.default_rng(seed)).hidden for seed in range(97)
    ]
    assert {span for spans in drawn for span in spans} == runs
    batch = task.collate(PerceiverTokenizer(), [TextWindow(b"abc def", 0, 7, hidden=((1, 2), (5, 6)))])
    # One further for [CLS]; ids are bytes + 6.
    assert batch["positions"].tolist() == [[2, 6]]
    assert batch["targets"].tolist() == [[ord("b") + 6, ord("e") + 6]]
    assert batch["words"].tolist() == [[0, 1]]


def test_the_papers_recipe_is_the_released_model() -> None:
    chosen = from_mapping(FillMaskArguments, read_recipe(RECIPES / "paper" / "fill-mask.yaml")["model"])
    with torch.device("meta"):
        model = PerceiverForMaskedLM(text_config(chosen.config_values()))
    assert model.num_parameters() == 201_108_230


def test_files_are_proved_with_half_texts_alone_and_beside_whole_ones() -> None:
    whole = [TextWindow(b"abc def", 0, 7), TextWindow(b"ghi", 0, 3)]
    halves, mixed = FillMask(FillMaskArguments(**TINY)).lesser(whole)
    assert [each.piece for each in halves] == [b"abc ", b"gh"]
    assert [each.piece for each in mixed] == [b"abc ", b"ghi"]
