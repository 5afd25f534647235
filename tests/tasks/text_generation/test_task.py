"""Writing on: a tiny run of texts and one of events from training to answers, sizes, the paper's recipe, mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments, from_mapping, read_recipe
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, DataError
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.predictor import Predictor, load
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.task import TextGeneration, with_writing
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

RECIPES = Path(__file__).parents[3] / "recipes"
TINY = {
    "context": 13,
    "num_latents": 7,
    "latent_channels": 8,
    "embedding_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "widening_factor": 1,
    "max_new_tokens": 5,
}
TEXT = "the quick brown fox jumps over the lazy dog\n"


def run_of(folder, data, **training):
    return RunArguments(
        output=str(folder / "run"),
        data=DataArguments(data=str(data)),
        training=TrainingArguments(**{"steps": 3, "batch_size": 5, "device": "cpu", **training}),
        quiet=True,
        pictures=False,
    )


def test_a_tiny_run_of_texts_is_trained_measured_again_and_asked(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 30)
    results = train(
        TextGeneration(TextGenerationArguments(**TINY, evaluation_stride=3)),
        run_of(tmp_path, tmp_path / "text.txt"),
    )
    assert results["test"]["bits_per_byte"] == results["test"]["bits_per_token"]
    again = evaluate(tmp_path / "run", device="cpu", output=tmp_path)
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-4)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "one.txt").write_text("é" * 20)
    first, second, third = predict(
        tmp_path / "run", ["the", "", str(prompts)], tmp_path / "answers", device="cpu"
    )
    assert [each.values["tokens"] for each in (first, second, third)] == [5, 5, 5]
    assert len(first.shown["thoughts"]) == 3 + 5
    assert [each.probability is None for each in third.shown["thoughts"][:40]] == [True] * 27 + [False] * 13
    page = (tmp_path / "answers" / "predictions.html").read_text()
    assert "one.txt" in page
    assert page.count('<span class="given">') == 3
    loaded = load(tmp_path / "run", device="cpu")
    assert loaded(["the"])[0] == first.values


def test_what_cannot_be_read_is_an_error_in_its_place_and_what_is_no_text_is_not_made_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 30)
    task = TextGeneration(TextGenerationArguments(**TINY, size="usual"))
    parts = task.build(task.load_data(DataArguments(data=str(tmp_path))))
    predictor = Predictor(task, parts, parts.model.eval().prepare(), {})
    answers = predictor(
        [None, "the", "nofile.txt", 5, str(tmp_path), "\ud800 the", tmp_path / "text.txt", "the"]
    )
    assert [isinstance(each, DataError) for each in answers] == [
        True, False, True, True, False, True, False, False
    ]  # fmt: skip
    assert answers[1] == answers[7]
    assert answers[4] == answers[6]
    assert str(answers[0]).startswith("`values, row 1` must be a text or a path, received None (NoneType)")
    assert str(answers[2]).startswith("`nofile.txt` cannot be read: there is no such file")
    assert str(answers[3]).startswith("`values, row 4` must be a text or a path, received 5 (int)")
    assert str(answers[5]) == (
        "the text '\\ud800 the' cannot be written as UTF-8: half of a surrogate pair at character 0"
    )


def test_a_tiny_run_of_events_has_the_vocabulary_of_its_data(tmp_path: Path) -> None:
    rows = [{"notes": [60 + (step * step + piece) % 5 * 2 for step in range(29)]} for piece in range(60)]
    (tmp_path / "tunes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    results = train(
        TextGeneration(TextGenerationArguments(**TINY, event_column="notes", stop=("64 66",))),
        run_of(tmp_path, tmp_path / "tunes.jsonl"),
    )
    assert "bits_per_byte" not in results["test"]
    loaded = load(tmp_path / "run", device="cpu")
    assert loaded.parts.model.config.vocab_size == 3 + 5
    assert loaded.parts.processor.events.tolist() == [60, 62, 64, 66, 68]
    (answer,) = loaded(["60 62,64"])
    assert {int(each) for each in answer["written"].split()} <= {60, 62, 64, 66, 68}
    left_out: list = []
    assert loaded.predictions(["60 a"], left_out) == []
    assert "must have whole numbers" in left_out[0].reason
    strange, known = loaded(["61", "60 62,64"])
    assert "holds the event 61, which the data of the training run did not have: they had 5" in str(strange)
    assert known == answer
    assert len(loaded.predictions(["61", "60"], left_out)) == 1
    with pytest.raises(DataError, match="holds the event 61"):
        loaded.predictions(["61"])


def test_one_event_a_row_is_one_sequence_or_one_a_document(tmp_path: Path) -> None:
    lines = [f"{tune},{60 + step % 3}" for tune in range(70) for step in range(11)]
    (tmp_path / "long.csv").write_text("\n".join(["tune,note", *lines]))
    for document_column, train_tokens in (("tune", 50 * 11), (None, 550)):
        task = TextGeneration(
            TextGenerationArguments(**TINY, event_column="note", document_column=document_column)
        )
        splits = task.load_data(DataArguments(data=str(tmp_path / "long.csv")))
        assert splits.train.num_tokens == pytest.approx(train_tokens, abs=60)
        assert splits.train.num_tokens + splits.validation.num_tokens + splits.test.num_tokens == 770


def test_sizes_follow_the_texts_and_what_is_given_goes_first(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 300)
    data = DataArguments(data=str(tmp_path / "text.txt"))
    for given, context, latents in (
        ({}, 32, 16),
        ({"context": 50}, 50, 25),
        ({"num_latents": 40}, 40, 40),
        ({"size": "tiny"}, 32, 16),
    ):
        task = TextGeneration(TextGenerationArguments(**given))
        splits = task.load_data(data)
        advice = task.advise(splits, RunArguments(output="x", data=data))
        assert (task.arguments.context, task.arguments.num_latents) == (context, latents)
        assert advice.learning_rate == 3e-3
        parts = task.build(splits)
        assert parts.model.config.d_model == parts.model.config.d_latents == task.arguments.latent_channels
        assert f"context {context}, stride {latents}" in task.plan_of_samples(splits)["measuring"]
        assert task.sees() == [f"up to {context} bytes; the last {latents} are latents"]


def test_the_papers_recipe_is_the_model_of_music() -> None:
    chosen = from_mapping(
        TextGenerationArguments, read_recipe(RECIPES / "paper" / "text-generation.yaml")["model"]
    )
    # 388 performance events and the three ids of the original.
    with torch.device("meta"):
        model = PerceiverForCausalLM(PerceiverConfig(**chosen.config_values(), vocab_size=391))
    assert model.num_parameters() == 165_605_767


def test_crops_of_problems_end_at_their_end(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 30)
    task = TextGeneration(TextGenerationArguments(**TINY, crops="ends", size="usual"))
    splits = task.load_data(DataArguments(data=str(tmp_path / "text.txt")))
    crop = task.vary(splits.train[0], np.random.default_rng(0))
    assert crop.end == len(crop.piece.values) + crop.piece.is_end
    assert task.build(splits).model.config.hidden_act == "relu2"


def test_it_stands_beside_n_grams_of_the_same_division(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 30)
    task = TextGeneration(TextGenerationArguments(**TINY, size="usual"))
    splits = task.load_data(DataArguments(data=str(tmp_path / "text.txt")))
    found = task.stand_beside(task.build(splits), splits.train, splits.test)
    assert found is not None
    assert found["method"] == "5-grams"
    assert found["5-grams"]["bits_per_byte"] < 1.0 < found["majority"]["bits_per_byte"] < 8.0
    assert (found["training_samples"], found["samples"]) == (len(splits.train), len(splits.test))


def test_how_it_writes_can_be_changed_afterwards() -> None:
    task = with_writing(TextGeneration(TextGenerationArguments(**TINY)), temperature=0.0, max_new_tokens=9)
    assert (task.arguments.temperature, task.arguments.max_new_tokens) == (0.0, 9)
    assert task.arguments.context == 13


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_latents": 14, "context": 13}, r"`num_latents` must be at most `context` \(13\), received 14"),
        ({"evaluation_stride": 9, "num_latents": 7}, r"`evaluation_stride` must be at most `num_latents` \(7\)"),
        ({"rotary_max_wavelength": 12.0, "context": 13, "num_latents": 7}, r"`rotary_max_wavelength` must be at least"),
        ({"embedding_channels": 9, "num_cross_heads": 2, "size": "usual"}, "`num_cross_heads` must be a divisor of 9"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_fit_are_named(given, message, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT * 30)
    with pytest.raises(ConfigurationError, match=message):
        TextGeneration(TextGenerationArguments(**given)).load_data(
            DataArguments(data=str(tmp_path / "text.txt"))
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"document_column": "tune"}, "`document_column` must be left out where there is no `event_column`"),
        ({"positions": "fourier"}, "`positions` must be one of rotary, sinusoidal, learned"),
        ({"crops": "starts"}, "`crops` must be one of any, ends"),
        ({"temperature": -0.1}, "`temperature` must be at least 0"),
        ({"top_p": 0.0}, r"`top_p` must be in \(0, 1\]"),
        ({"rotary_fraction": 0.0}, r"`rotary_fraction` must be in \(0, 1\]"),
        ({"z_loss": -1.0}, "`z_loss` must be at least 0"),
        ({"repetition_penalty": 0.0}, "`repetition_penalty` must be above 0"),
        ({"cache": "none"}, "`cache` must be one of exact, sliding"),
        ({"stop": ("\n", "")}, "`stop` must be texts of a letter or more, or left out"),
    ],
)
def test_options_out_of_range_are_named(given, message):
    with pytest.raises(ConfigurationError, match=message):
        TextGenerationArguments(**given)


def test_texts_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "table.jsonl").write_text('{"text": "abc", "n": [1, 2]}\n{"text": "", "n": [1.5]}\n')
    data = {"data": str(tmp_path / "table.jsonl")}
    with pytest.raises(
        DataError, match=r"row 2.*has an empty text in the column 'text'; mend it, remove it, or leave"
    ):
        TextGeneration(TextGenerationArguments(**TINY)).load_data(DataArguments(**data))
    events = TextGeneration(TextGenerationArguments(**TINY, event_column="n"))
    with pytest.raises(DataError, match=r"must have whole numbers in the column 'n'.*received \[1.5\]"):
        events.load_data(DataArguments(**data))
    with pytest.raises(ConfigurationError, match="`streaming` must be left out for text-generation"):
        events.load_data(DataArguments(**data, streaming=True, test_data="x"))


def test_a_checkpoint_to_start_from_must_take_as_much(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT * 30)
    task = TextGeneration(TextGenerationArguments(**TINY, size="usual", prefix_dropout=0.5))
    splits = task.load_data(DataArguments(data=str(tmp_path / "text.txt")))
    task.advise(splits, RunArguments(output="x", data=DataArguments(data="x")))
    start = task.build(splits).model.config
    assert task.build(splits, start).model.config.prefix_dropout_prob == 0.5
    short = PerceiverConfig.from_dict({**start.to_dict(), "max_position_embeddings": 11})
    with pytest.raises(
        ConfigurationError, match="`context` must be at most 11, what the checkpoint to start from takes"
    ):
        task.build(splits, short)
    other = PerceiverConfig.from_dict({**start.to_dict(), "vocab_size": 11})
    with pytest.raises(
        ConfigurationError,
        match="`start` must name a model of the same tokens: it has 11 ids, the data need 262",
    ):
        task.build(splits, other)
