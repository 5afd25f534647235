"""Transformers' pipelines run on the library's models and processors, and three of ours on what it has none for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from PIL import Image

import perceivers
from adapted_models import adapted
from perceivers import PerceiverImageProcessor, PerceiverImageProcessorFast, PerceiverTokenizer
from perceivers.errors import ConfigurationError, DataError
from perceivers.integrations.transformers import pipeline
from tiny_films import grey_frames, tone, write_film
from tiny_tables import fit_tiny, fruit, rows_of, without

BYTES = {"vocab_size": 262}
CPU = {"device": "cpu"}
ASKED = without(fruit(3, seed=2), "price", "kind", "tags")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fruit") / "run"
    fit_tiny(without(fruit(53), "tags", "noise"), ["kind", "price"], output=folder, epochs=1)
    return folder


def test_hidden_bytes_are_filled_in():
    model = adapted("masked_lm", **BYTES)
    tokenizer = PerceiverTokenizer(model_max_length=11)
    texts = ["ab[MASK]d", "abc[MASK]e"]
    pipe = pipeline("fill-mask", model.plain, **CPU)
    assert isinstance(pipe, transformers.FillMaskPipeline)
    answers = pipe(texts, top_k=2, batch_size=2)
    with torch.no_grad():
        inputs = tokenizer(texts, padding="max_length", return_tensors="pt")
        scores = model(**inputs).logits
    for row, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        place = text.index("[") + 1
        best = scores[row, place].softmax(-1).topk(2)
        assert [each["token"] for each in answer] == best.indices.tolist()
        assert [each["score"] for each in answer] == pytest.approx(best.values.tolist(), rel=1e-4)


def test_texts_get_classes_and_features():
    model = adapted("sequence_classification", **BYTES)
    answers = pipeline("text-classification", model, **CPU)(["abd", "abcdef"], batch_size=2)
    tokenizer = PerceiverTokenizer(model_max_length=11)
    with torch.no_grad():
        scores = model(**tokenizer(["abd", "abcdef"], padding=True, return_tensors="pt")).logits.softmax(-1)
    assert [each["score"] for each in answers] == pytest.approx(scores.max(-1).values.tolist(), rel=1e-4)
    assert [each["label"] for each in answers] == [f"LABEL_{index}" for index in scores.argmax(-1).tolist()]
    features = pipeline("feature-extraction", model, **CPU)("abd")
    np.testing.assert_allclose(
        features[0], model(**tokenizer("abd", return_tensors="pt")).logits[0].tolist(), rtol=1e-4
    )


@pytest.mark.parametrize("kind", [PerceiverImageProcessor, PerceiverImageProcessorFast])
def test_pictures_get_classes_by_either_processor(kind, tmp_path):
    processor = kind(size={"height": 5, "width": 7}, crop_size={"height": 9, "width": 9})
    model = adapted("image_learned")
    generator = np.random.default_rng(0)
    pictures = [Image.fromarray(generator.integers(0, 256, (20, 31, 3), dtype=np.uint8)) for _ in range(2)]
    with torch.no_grad():
        scores = model(processor(pictures, return_tensors="pt").pixel_values).logits.softmax(-1)
    answers = pipeline("image-classification", model, image_processor=processor, **CPU)(
        pictures, batch_size=2
    )
    assert [each[0]["score"] for each in answers] == pytest.approx(scores.max(-1).values.tolist(), rel=1e-4)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    from_folder = pipeline("image-classification", tmp_path, **CPU)
    assert type(from_folder.image_processor) is PerceiverImageProcessorFast
    assert from_folder(pictures[0])[0]["score"] == pytest.approx(float(scores[0].max()), rel=1e-4)


def test_two_frames_get_the_motion_of_every_pixel():
    model = adapted("optical_flow")
    with torch.no_grad():
        # A new model answers 0.
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape), alpha=0.1)
    generator = np.random.default_rng(0)
    first, second = (
        Image.fromarray(generator.integers(0, 256, (11, 13, 3), dtype=np.uint8)) for _ in range(2)
    )
    pipe = pipeline("optical-flow", model, **CPU)
    answer = pipe((first, second))
    processor = perceivers.PerceiverOpticalFlowProcessor()
    with torch.no_grad():
        expected = processor.post_process(model(**processor(first, second)))[0]
    np.testing.assert_allclose(answer["flow"], expected.numpy(), rtol=1e-4, atol=1e-6)
    assert answer["flow"].shape == (11, 13, 2)
    assert answer["image"].size == (13, 11)
    both = pipe([{"first": first, "second": second}, (second, first)], batch_size=2)
    np.testing.assert_allclose(both[0]["flow"], answer["flow"], rtol=1e-4, atol=1e-5)
    slow = pipe((first, second), max_flow=1e6)["image"]
    assert np.asarray(slow).min() > np.asarray(answer["image"]).min()
    with pytest.raises(
        DataError, match=r"`inputs` must be \(first, second\), or a list of such pairs, received"
    ):
        pipe(first)


def test_films_come_out_of_the_latents_with_their_class(tmp_path):
    model = adapted("multimodal", id2label={0: "run", 1: "jump", 2: "sit"})
    path = write_film(tmp_path / "a.mkv", frames=grey_frames(4), waveform=tone(3200, 440.0))
    pipe = pipeline("video-autoencoding", model, **CPU)
    made = pipe(str(path), top_k=2, start=1)
    assert made["image"].shape == (3, 4, 6, 3)
    assert made["image"].dtype == np.uint8
    assert made["audio"].shape == (30,)
    assert [each["label"] in ("run", "jump", "sit") for each in made["labels"]] == [True, True]
    assert made["labels"][0]["score"] >= made["labels"][1]["score"]
    inputs = pipe.processor(str(path), start=1)
    with torch.no_grad():
        expected = model.plain.reconstruct(dict(inputs))
    np.testing.assert_array_equal(made["image"], pipe.processor.post_process(expected)["image"][0].numpy())
    frames = grey_frames(3)
    again = pipe([{"video": frames, "audio": tone(30, 440.0), "sampling_rate": 48000}])
    assert again[0]["image"].shape == (3, 4, 6, 3)
    reader = perceivers.processors.video.clips.PerceiverClipReader(3, 10.0, 4, 6, 10)
    read = pipeline("video-autoencoding", model, processor=reader, **CPU)
    assert read(str(path))["audio"].shape == (30,)
    with pytest.raises(DataError, match="`inputs` must be a film's path, received ndarray"):
        read(frames)


def test_rows_get_the_answers_of_a_run(run):
    pipe = pipeline("table-prediction", run, **CPU)
    rows = rows_of(without(ASKED, "noise"))
    expected = perceivers.load(run, device="cpu")(rows)
    assert pipe(rows) == expected
    assert pipe(pd.DataFrame(rows)) == expected
    assert pipe(rows[1])["kind"] == expected[1]["kind"]
    assert pipeline("table-prediction", perceivers.load(run, device="cpu"))(rows) == expected
    assert (
        "`size`" in pipe([{"colour": "red"}])[0]["error"] if "error" in pipe([{"colour": "red"}])[0] else True
    )


@pytest.mark.parametrize(
    ("task", "model", "message"),
    [
        ("summarization", None, "`task` must be one of fill-mask, .*received 'summarization'"),
        ("fill-mask", 3, "`model` must be a model of this library, a folder or a hub name, received int"),
        (
            "table-prediction",
            "nowhere",
            "`model` must be the folder of a training run for 'table-prediction'",
        ),
    ],
)
def test_what_no_pipeline_can_be_made_of_is_named(task, model, message):
    with pytest.raises(ConfigurationError, match=message):
        pipeline(task, model)


def test_a_run_of_columns_is_asked_as_a_table(run):
    with pytest.raises(ConfigurationError, match="`task` must be 'table-prediction' for a run whose answers"):
        pipeline("text-classification", run)


def test_pictures_need_a_processor_beside_a_model(tmp_path):
    with pytest.raises(ConfigurationError, match="`image_processor` must be given beside a model"):
        pipeline("image-classification", adapted("image_conv"))
    config = adapted("image_conv").config
    config.save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match=r"`architectures` in the config\.json of .* names none of"):
        pipeline("image-classification", tmp_path)
