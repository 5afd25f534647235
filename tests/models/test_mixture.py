"""Modalities of every type in a model: alone and together, padded, absent, dropped, in any order of points."""

from __future__ import annotations

import json
import math

import pytest
import torch

import perceivers
from perceivers.errors import ShapeError

SIZES = {
    "num_latents": 5,
    "d_latents": 12,
    "num_blocks": 2,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 1,
    "attention_probs_dropout_prob": 0.0,
}
ANSWERS = {"kind": {"type": "class", "num_labels": 3}}
SERIES = {"type": "series", "in_channels": 2, "num_bands": 3, "max_resolution": 7}
POINTS = {"type": "points", "num_coordinates": 2, "num_features": 1, "num_bands": 3, "max_resolution": 5}
AUDIO = {"type": "audio", "samples_per_patch": 4, "num_bands": 3, "max_resolution": 8, "out_channels": 6}
VIDEO = {
    "type": "image",
    "max_resolution": [2, 4, 6],
    "num_bands": 2,
    "spatial_downsample": 2,
    "temporal_downsample": 2,
}

#: Every type, its settings, and inputs that it takes.
TYPES = {
    "series": (SERIES, lambda batch: torch.randn(batch, 7, 2)),
    "series by both times": (
        {**SERIES, "positions": "both", "max_length": 11, "steps_per_patch": 2, "allow_missing": True},
        lambda batch: torch.randn(batch, 7, 2),
    ),
    "series by absolute time": (
        {**SERIES, "positions": "absolute", "max_length": 11, "out_channels": 5},
        lambda batch: torch.randn(batch, 7, 2),
    ),
    "entities": (
        {"type": "entities", "cardinalities": [1, 0], "num_numbers": 2, "out_channels": 5},
        # Every number is missing somewhere, so that its vector learns.
        lambda batch: torch.cat(
            [
                torch.ones(batch, 11, 2),
                torch.randn(batch, 11, 2).masked_fill(torch.eye(11, 2) > 0, torch.nan),
            ],
            dim=2,
        ),
    ),
    "points": (POINTS, lambda batch: torch.rand(batch, 11, 3) * 2 - 1),
    "audio": (AUDIO, lambda batch: torch.rand(batch, 30, 1) * 2 - 1),
    "spectrogram": (
        {"type": "spectrogram", "mel_bins": 6, "frames_per_patch": 2, "bins_per_patch": 3, "out_channels": 4},
        lambda batch: torch.randn(batch, 5, 6),
    ),
    "spectrogram through a stem": (
        {
            "type": "spectrogram",
            "mel_bins": 6,
            "frames_per_patch": 2,
            "bins_per_patch": 2,
            "stem_widths": [3, 5],
        },
        lambda batch: torch.randn(batch, 5, 6),
    ),
    "picture": (
        {"type": "image", "prep_type": "pixels", "spatial_downsample": 1, "max_resolution": [5, 7]},
        lambda batch: torch.randn(batch, 3, 5, 7),
    ),
    "video": (VIDEO, lambda batch: torch.randn(batch, 4, 3, 4, 6)),
    "text": (
        {"type": "text", "num_channels": 10, "vocab_size": 31, "max_length": 9},
        lambda batch: torch.randint(0, 31, (batch, 9)),
    ),
}


def build(modalities, lively, **changes):
    torch.manual_seed(0)
    config = perceivers.PerceiverConfig(**{**SIZES, "modalities": modalities, "answers": ANSWERS, **changes})
    model = perceivers.PerceiverForPrediction(config)
    lively(model)
    return model.eval()


@pytest.fixture
def audio_visual(lively):
    """A model of video and sound, and inputs of it."""
    torch.manual_seed(1)
    inputs = {"sound": TYPES["audio"][1](3), "video": TYPES["video"][1](3)}
    return build({"sound": AUDIO, "video": VIDEO}, lively), inputs


def close(received, expected):
    torch.testing.assert_close(received, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", list(TYPES))
def test_a_single_modality_comes_with_or_without_its_name(kind, lively):
    settings, draw = TYPES[kind]
    model, inputs = build({"it": settings}, lively), draw(2)
    logits = model(inputs).logits["kind"]
    assert logits.shape == (2, 3)
    assert torch.equal(model({"it": inputs}).logits["kind"], logits)
    assert (logits[0] - logits[1]).abs().max() > 1e-3
    close(model(inputs[:1]).logits["kind"], logits[:1])


@pytest.mark.parametrize("kind", list(TYPES))
def test_the_prepared_form_and_the_saved_model_give_the_same(kind, lively, tmp_path):
    settings, draw = TYPES[kind]
    model, inputs = build({"it": settings}, lively), draw(2)
    logits = model(inputs).logits["kind"]
    prepared = model.prepare()
    close(prepared(inputs).logits["kind"], logits)
    close(prepared.decode(prepared.encode(inputs))["kind"], logits)
    assert prepared.plain_parts == {}
    model.save_pretrained(tmp_path)
    loaded = perceivers.PerceiverForPrediction.from_pretrained(tmp_path)
    assert torch.equal(loaded(inputs).logits["kind"], logits)
    assert json.loads((tmp_path / "config.json").read_text())["modalities"] == {"it": settings}


@pytest.mark.parametrize("kind", list(TYPES))
def test_every_modality_trains(kind, lively):
    settings, draw = TYPES[kind]
    model = build({"it": settings}, lively).train()
    model(draw(2), labels=torch.tensor([2, 0])).loss.backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert path.endswith("key.bias") or parameter.grad.abs().max() > 0, path


def test_encode_and_decode_are_the_two_halves_of_the_call(audio_visual):
    model, inputs = audio_visual
    mask = {"video": torch.tensor([1, 0, 1])}
    encoded = model.encode(inputs, mask)
    assert encoded.modality_sizes == {"sound": 8, "video": 2 * 2 * 3}
    assert torch.equal(model.decode(encoded)["kind"], model(inputs, mask).logits["kind"])


@pytest.mark.parametrize(
    "kind", ["series", "series by both times", "audio", "spectrogram", "spectrogram through a stem"]
)
def test_a_padded_sample_gives_what_it_gives_alone(kind, lively):
    settings, draw = TYPES[kind]
    model, inputs = build({"it": settings}, lively), draw(2)
    length = inputs.shape[1] // 2 + 1
    inputs[1, length:] = math.nan if settings.get("allow_missing") else 0
    mask = torch.ones(inputs.shape[:2])
    mask[1, length:] = 0
    padded = model(inputs, mask).logits["kind"]
    close(padded[:1], model(inputs[:1]).logits["kind"])
    close(padded[1:], model(inputs[1:, :length]).logits["kind"])
    assert (model(inputs).logits["kind"] - padded)[1].abs().max() > 1e-3
    prepared = model.prepare()
    close(prepared(inputs, attention_mask=mask).logits["kind"], padded)


def test_the_order_of_points_does_not_matter_and_padding_is_hidden(lively):
    model = build({"it": POINTS}, lively)
    points = torch.rand(2, 11, 3) * 2 - 1
    logits = model(points).logits["kind"]
    close(model(points[:, torch.randperm(11)]).logits["kind"], logits)
    padded = torch.cat([points, torch.zeros(2, 3, 3)], dim=1)
    mask = torch.ones(2, 14)
    mask[:, 11:] = 0
    close(model(padded, mask).logits["kind"], logits)
    moved = model(points, pos=points[..., :2].flip(-1)).logits["kind"]
    assert (moved - logits).abs().max() > 1e-3
    close(moved, model(points[..., [1, 0, 2]]).logits["kind"])


def test_steps_in_another_order_are_another_series(lively):
    model, series = build({"it": SERIES}, lively), torch.randn(2, 7, 2)
    assert (model(series.flip(1)).logits["kind"] - model(series).logits["kind"]).abs().max() > 1e-3


def test_an_absent_modality_is_one_that_no_sample_has(audio_visual):
    model, inputs = audio_visual
    without = model({"sound": inputs["sound"]}).logits["kind"]
    assert (without - model(inputs).logits["kind"]).abs().max() > 1e-3
    hidden = model(inputs, {"video": torch.zeros(3)}).logits["kind"]
    close(hidden, without)
    some = model(inputs, {"video": torch.tensor([True, False, True])}).logits["kind"]
    close(some[1], without[1])
    close(some[[0, 2]], model(inputs).logits["kind"][[0, 2]])
    prepared = model.prepare()
    close(prepared({"sound": inputs["sound"]}).logits["kind"], without)
    close(prepared(inputs, attention_mask={"video": torch.tensor([1, 0, 1])}).logits["kind"], some)


def test_each_modality_has_a_mask_of_its_own(audio_visual):
    model, inputs = audio_visual
    mask = torch.ones(3, 30)
    mask[2, 17:] = 0
    inputs["sound"][2, 17:] = 0
    logits = model(inputs, {"sound": mask}).logits["kind"]
    alone = {"sound": inputs["sound"][2:, :17], "video": inputs["video"][2:]}
    close(logits[2:], model(alone).logits["kind"])


def test_positions_of_one_modality_leave_the_others_to_their_masks(lively):
    model = build({"points": POINTS, "series": SERIES}, lively)
    points, series = torch.rand(2, 5, 3), torch.randn(2, 7, 2)
    mask = torch.ones(2, 7)
    mask[:, 4:] = 0
    inputs = {"points": points, "series": series}
    received = model(inputs, {"series": mask}, pos={"points": points[..., :2]}).logits["kind"]
    close(received, model({"points": points, "series": series[:, :4]}).logits["kind"])


def test_a_dropped_modality_is_an_absent_one_while_training(lively):
    inputs = {"sound": TYPES["audio"][1](3), "video": TYPES["video"][1](3)}
    model = build({"sound": AUDIO, "video": {**VIDEO, "drop_probability": 1.0}}, lively)
    whole, without = model(inputs).logits["kind"], model({"sound": inputs["sound"]}).logits["kind"]
    model.train()
    close(model(inputs).logits["kind"], without)
    # A sample without sound keeps its video, whatever the probability is.
    only_video = model(inputs, {"sound": torch.tensor([1, 0, 1])}).logits["kind"]
    close(only_video[[0, 2]], without[[0, 2]])
    close(only_video[1], model.eval()({"video": inputs["video"]}).logits["kind"][1])
    close(model(inputs).logits["kind"], whole)


def test_a_mask_of_tokens_and_dropping_go_together(lively):
    model = build({"sound": {**AUDIO, "drop_probability": 1.0}, "video": VIDEO}, lively).train()
    inputs = {"sound": TYPES["audio"][1](3), "video": TYPES["video"][1](3)}
    mask = torch.ones(3, 30)
    mask[0, 20:] = 0
    dropped = model(inputs, {"sound": mask}).logits["kind"]
    close(dropped, model.eval()({"video": inputs["video"]}).logits["kind"])


def test_the_keys_of_the_state_dict_are_those_of_their_parts(audio_visual, lively):
    model, _ = audio_visual
    keys = [key for key in model.state_dict() if "input_preprocessor" in key]
    assert keys == [
        "perceiver.input_preprocessor.modalities.sound.projection.weight",
        "perceiver.input_preprocessor.modalities.sound.projection.bias",
        "perceiver.input_preprocessor.padding.sound",
        "perceiver.input_preprocessor.padding.video",
    ]
    alone = build({"sound": AUDIO}, lively)
    keys = [key for key in alone.state_dict() if "input_preprocessor" in key]
    assert keys == [
        "perceiver.input_preprocessor.projection.weight",
        "perceiver.input_preprocessor.projection.bias",
    ]


def test_the_prepared_form_says_which_tokens_are_built_whole(lively):
    text = TYPES["text"]
    model = build({"sound": AUDIO, "words": text[0]}, lively)
    prepared = model.prepare()
    assert list(prepared.plain_parts) == ["input_preprocessor"]
    assert prepared.plain_parts["input_preprocessor"].startswith("'words': PerceiverTextPreprocessor")
    inputs = {"sound": TYPES["audio"][1](2), "words": text[1](2)}
    close(prepared(inputs).logits["kind"], model(inputs).logits["kind"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"smell": torch.zeros(3, 5, 2)},), r"`inputs` must name modalities of \['sound', 'video'\]"),
        ((torch.zeros(3, 30, 1),), r"`inputs` must be a mapping with some of \['sound', 'video'\]"),
        (({},), "`inputs` must be a mapping with some of"),
    ],
)
def test_inputs_of_other_modalities_are_refused(arguments, message, audio_visual):
    model, _ = audio_visual
    with pytest.raises(ShapeError, match=message):
        model(*arguments)
    with pytest.raises(ShapeError, match=message):
        model.train()(*arguments)


def test_masks_that_do_not_fit_are_refused(audio_visual, lively):
    model, inputs = audio_visual
    with pytest.raises(
        ShapeError, match=r"`attention_mask` must be a mapping with some of .*received Tensor"
    ):
        model(inputs, torch.ones(3, 20))
    with pytest.raises(ShapeError, match=r"`attention_mask` must name modalities of .*received \['smell'\]"):
        model(inputs, {"smell": torch.ones(3)})
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[3, num_steps\] with 29 to 32"):
        model(inputs, {"sound": torch.ones(3, 28)})
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[3, 12\].*received \[2, 12\]"):
        model(inputs, {"video": torch.ones(2)})
    alone = build({"sound": AUDIO}, lively)
    with pytest.raises(ShapeError, match=r"`attention_mask` must name \['sound'\], received \['video'\]"):
        alone(inputs["sound"], {"video": torch.ones(3, 30)})
    with pytest.raises(ShapeError, match=r"`inputs` must name \['sound'\], received \['sound', 'video'\]"):
        alone(inputs)


@pytest.mark.parametrize("kind", list(TYPES))
def test_half_precision_a_device_without_memory_and_checkpointing_work(kind, lively):
    settings, draw = TYPES[kind]
    model, inputs = build({"it": settings}, lively), draw(2)
    with torch.device("meta"):
        assert perceivers.PerceiverForPrediction(model.config).device.type == "meta"
    labels = torch.tensor([2, 0])
    model.train()(inputs, labels=labels).loss.backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    model.gradient_checkpointing_enable()
    model(inputs, labels=labels).loss.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name])
    assert model.to(torch.bfloat16).eval()(inputs).logits["kind"].dtype == torch.bfloat16


def test_one_graph_holds_the_whole_call(audio_visual, lively):
    torch._dynamo.reset()
    _, inputs = audio_visual
    model = build({"sound": AUDIO, "video": VIDEO}, lively, num_blocks=1)
    mask = {
        "sound": torch.tensor([[1] * 30, [1] * 11 + [0] * 19, [1] * 30]),
        "video": torch.tensor([1, 1, 0]),
    }
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    close(compiled(inputs, mask).logits["kind"], model(inputs, mask).logits["kind"])
    torch._dynamo.reset()
