"""Weights: how they are drawn, named, saved, taken from another model, and resized."""

from __future__ import annotations

import json

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from tiny_predictions import ANSWERS, MODALITIES, SIZES, WAVES, close


def test_it_is_saved_and_loaded(mixture, tmp_path):
    model, inputs = mixture
    logits = model(inputs).logits
    model.save_pretrained(tmp_path)
    loaded, report = perceivers.PerceiverForPrediction.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    close(loaded(inputs).logits, logits, 0)
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["answers"] == ANSWERS
    assert saved["modalities"] == MODALITIES
    assert saved["zero_fully_masked_rows"] is False


def test_the_keys_of_the_state_dict_name_answers_and_modalities(build):
    keys = build({"it": WAVES, "that": MODALITIES["kinds"]}).state_dict()
    part = "perceiver.input_preprocessor."
    assert [key.removeprefix(part) for key in keys if key.startswith(part)] == [
        "modalities.it.missing",
        "modalities.it.columns",
        "modalities.it.encoding.frequencies",
        "modalities.it.projection.weight",
        "modalities.it.projection.bias",
        "modalities.that.columns",
        "modalities.that.embeddings.weight",
        "padding.it",
        "padding.that",
    ]
    assert [key for key in keys if key.startswith("heads.tags")] == [
        "heads.tags.hidden.0.weight",
        "heads.tags.hidden.0.bias",
        "heads.tags.classifier.weight",
        "heads.tags.classifier.bias",
    ]
    assert keys["heads.tags.classifier.weight"].shape == (2, 4, 12)


def test_starting_values_have_the_sizes_that_their_parts_say():
    torch.manual_seed(0)
    sizes = {**SIZES, "d_latents": 120, "initializer_range": 0.03, "fan_in_scaling": True}
    modalities = {"it": {**WAVES, "num_columns": 101, "num_frequencies": 50, "out_channels": 60}}
    config = perceivers.PerceiverConfig(**sizes, modalities=modalities, answers=ANSWERS)
    model = perceivers.PerceiverForPrediction(config)
    numbers = model.perceiver.input_preprocessor
    # Cut at two standard deviations: 0.88 of it is left, where nothing is said of what comes after the cut.
    for received, expected in (
        (numbers.encoding.frequencies, 0.5),
        (numbers.projection.weight, 0.1),
        (numbers.missing, 0.88 * 0.03),
        (numbers.columns, 0.88 * 0.03),
        (model.heads["tags"].hidden[0].weight, 120**-0.5),
    ):
        assert received.std().item() == pytest.approx(expected, rel=0.04)
    assert model.heads["kind"].classifier.bias.abs().max() == 0


def test_the_encoder_of_a_masked_language_model_is_taken(tiny, tmp_path):
    trained = tiny("masked_lm")
    trained.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="missing from the checkpoint"):
        model, report = perceivers.PerceiverForPrediction.from_pretrained(
            tmp_path, modalities={"text": {"type": "text"}}, answers=ANSWERS, output_loading_info=True
        )
    own = ("heads.", "perceiver.decoder.decoder.")
    assert report["missing_keys"] == {key for key in model.state_dict() if key.startswith(own)}
    assert not report["mismatched_keys"]
    for part in ("embeddings", "encoder", "input_preprocessor"):
        expected = getattr(trained.perceiver, part).state_dict()
        for key, value in getattr(model.perceiver, part).state_dict().items():
            assert torch.equal(value, expected[key])


def test_longer_texts_and_other_vocabularies_work_as_elsewhere(build, tmp_path):
    for text in ({"type": "text"}, {"type": "text", "vocab_size": 31}):
        model = build({"text": text})
        longer = torch.randint(0, 31, (2, 13))
        with pytest.raises(ShapeError, match="`inputs` must be at most 11 bytes long"):
            model(longer)
        assert model(longer, interpolate_pos_encoding=True).logits["kind"].shape == (2, 3)
        before = model(longer[:, :7]).logits
        assert model.resize_token_embeddings(37).num_embeddings == 37
        close(model(longer[:, :7]).logits, before, 0)
        model.save_pretrained(tmp_path)
        loaded = perceivers.PerceiverForPrediction.from_pretrained(tmp_path)
        assert loaded(torch.tensor([[36, 3]])).logits["kind"].shape == (1, 3)
        assert model.prepare().config == model.perceiver.config


def test_only_a_single_text_has_a_vocabulary(mixture):
    model, _ = mixture
    with pytest.raises(
        ConfigurationError, match=r"needs a single modality of type 'text', received \['columns'"
    ):
        model.resize_token_embeddings(37)
