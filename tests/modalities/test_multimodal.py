"""Several modalities: padding, order, mask tokens, absent ones, and the way back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import perceivers
from perceivers.errors import ConfigurationError, ShapeError

SOUND = {"num_bands": 1, "max_resolution": (5,)}
PLANE = {"num_bands": 1, "max_resolution": (2, 3)}


@pytest.fixture
def build():
    config = perceivers.PerceiverConfig(num_labels=11)

    def preprocessor(**options):
        torch.manual_seed(0)
        return perceivers.PerceiverMultimodalPreprocessor(
            modalities={
                "sound": perceivers.PerceiverAudioPreprocessor(
                    config, samples_per_patch=3, fourier_position_encoding_kwargs=SOUND
                ),
                "depth": perceivers.PerceiverImagePreprocessor(
                    config, "patches", 2, in_channels=1, fourier_position_encoding_kwargs=PLANE
                ),
                "kind": perceivers.PerceiverOneHotPreprocessor(config),
            },
            **options,
        )

    return preprocessor


@pytest.fixture
def inputs():
    return {"sound": torch.randn(2, 15, 1), "kind": torch.randn(2, 11), "depth": torch.randn(2, 1, 4, 6)}


def test_modalities_lie_side_by_side_in_the_order_of_their_names(build, inputs):
    model = build(min_padding_size=4)
    tokens, sizes, features = model(inputs)
    # Channels: depth 4 + 6, kind 11, sound 3 + 3; the widest is 11.
    assert model.num_channels == 15
    assert list(sizes.items()) == [("depth", 6), ("kind", 1), ("sound", 5)]
    assert tokens.shape == (2, 12, 15)
    assert model.index_dims(inputs) == (12,)
    assert model.output_dims(inputs) == {"depth": (4, 6), "kind": (1,), "sound": (5,)}
    alone = {name: model.modalities[name](inputs[name])[0] for name in inputs}
    padded = {
        name: torch.cat([value, model.padding[name].expand(2, value.shape[1], -1)], dim=2)
        for name, value in alone.items()
    }
    assert torch.equal(tokens, torch.cat([padded["depth"], padded["kind"], padded["sound"]], dim=1))
    assert set(features) == set(inputs)
    assert torch.equal(features["sound"], alone["sound"][..., :3])


def test_the_widest_modality_may_go_without_padding(build, inputs):
    model = build(min_padding_size=0)
    tokens, _, _ = model(inputs)
    assert model.num_channels == 11
    assert torch.equal(tokens[:, 6], inputs["kind"])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_mask_tokens_are_drawn_for_each_token_by_their_probability(training, gradients, build):
    model = build(mask_probs={"sound": 0.25, "depth": 1.0, "kind": 0.0}).train(training)
    sound, depth, kind = torch.randn(16, 600, 1), torch.randn(16, 1, 4, 6), torch.randn(16, 11)
    torch.manual_seed(5)
    with torch.set_grad_enabled(gradients):
        tokens, sizes, _ = model({"sound": sound, "depth": depth, "kind": kind})
    assert sizes == {"depth": 6, "kind": 1, "sound": 200}
    assert torch.equal(tokens[:, :6], model.mask["depth"].expand(16, 6, -1))
    assert torch.equal(tokens[:, 6, :11], kind)
    masked = (tokens[:, 7:] == model.mask["sound"]).all(dim=-1)
    # 3,200 draws: the share is within 4 standard deviations (0.031) of the probability, in every sample another one.
    assert masked.float().mean().item() == pytest.approx(0.25, abs=0.031)
    assert len({tuple(row.tolist()) for row in masked}) == 16
    untouched = sound.reshape(16, 200, 3)
    assert torch.equal(tokens[:, 7:][~masked][:, :3], untouched[~masked])


def test_mask_tokens_are_repeatable_under_a_seed_and_new_at_every_call(build, inputs):
    model = build(mask_probs={"sound": 0.5})
    torch.manual_seed(3)
    first, second = model(inputs)[0], model(inputs)[0]
    torch.manual_seed(3)
    assert torch.equal(model(inputs)[0], first)
    assert not torch.equal(first, second)


def test_mask_tokens_learn(build, inputs):
    model = build(mask_probs={"sound": 0.5, "kind": 1.0, "depth": 0.0})
    torch.manual_seed(0)
    model(inputs)[0].sum().backward()
    assert model.mask["kind"].grad.eq(2).all()
    assert 0 < model.mask["sound"].grad[0, 0] < 10
    assert model.mask["depth"].grad.eq(0).all()


def test_a_modality_that_is_absent_gives_no_tokens(build, inputs):
    model = build()
    both = {name: inputs[name] for name in ("depth", "sound")}
    tokens, sizes, features = model(both)
    assert sizes == {"depth": 6, "sound": 5}
    assert set(features) == {"depth", "sound"}
    whole = model(inputs)[0]
    assert torch.equal(tokens, torch.cat([whole[:, :6], whole[:, 7:]], dim=1))


def test_the_mask_token_stands_for_an_absent_single_token_that_is_always_masked(build, inputs):
    model = build(mask_probs={"kind": 1.0, "sound": 1.0})
    without = {name: inputs[name] for name in ("depth", "sound")}
    assert torch.equal(model(without)[0], model(inputs)[0])
    assert model(without)[1] == {"depth": 6, "kind": 1, "sound": 5}
    assert model.index_dims(without) == (12,)
    # How many tokens absent sound would have is not known.
    silent = {name: inputs[name] for name in ("depth", "kind")}
    assert model(silent)[1] == {"depth": 6, "kind": 1}


def test_positions_are_given_by_modality(build, inputs):
    model = build()
    pos = torch.rand(2, 5, 1)
    tokens, _, _ = model(inputs, pos={"sound": pos})
    assert torch.equal(tokens[:, 7:, 3:4], pos)
    assert torch.equal(tokens[:, :7], model(inputs)[0][:, :7])
    for wrong, received in (({"taste": pos}, r"\['taste'\]"), (pos, "Tensor")):
        message = r"`pos` must be a mapping with some of \['depth', 'kind', 'sound'\], received " + received
        with pytest.raises(ShapeError, match=message):
            model(inputs, pos=wrong)


def test_masks_are_joined_in_the_order_of_the_tokens(build, inputs):
    model = build()
    tokens, sizes, _ = model(inputs)
    sound, depth = torch.rand(2, 5).round(), torch.rand(2, 6) < 0.5
    mask = model.input_mask({"sound": sound, "depth": depth}, tokens, sizes)
    assert mask.dtype == torch.bool
    assert torch.equal(mask, torch.cat([depth, torch.ones(2, 1, dtype=torch.bool), sound.bool()], dim=1))
    assert torch.equal(model.input_mask(mask.long(), tokens, sizes), mask)
    with pytest.raises(
        ShapeError, match=r"`attention_mask` must name modalities of \['depth', 'kind', 'sound'\]"
    ):
        model.input_mask({"taste": sound}, tokens, sizes)
    with pytest.raises(ShapeError, match=r"`attention_mask` must have shape \[2, 12\].*received \[2, 5\]"):
        model.input_mask(sound, tokens, sizes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"taste": torch.zeros(2, 3)},
            r"`inputs` must name modalities of \['depth', 'kind', 'sound'\], received \['taste'\]",
        ),
        (
            {"kind": torch.zeros(3, 11)},
            "`inputs` must have the same batch size for every modality, received .*'kind': 3",
        ),
    ],
)
def test_inputs_that_do_not_fit_together_are_refused(changes, message, build, inputs):
    with pytest.raises(ShapeError, match=message):
        build()({**inputs, **changes})


def test_inputs_are_a_mapping_laid_in_a_row(build, inputs):
    for wrong in (torch.zeros(2, 3), {}):
        with pytest.raises(
            ShapeError, match=r"`inputs` must be a mapping with some of \['depth', 'kind', 'sound'\], rec"
        ):
            build()(wrong)
    with pytest.raises(
        ShapeError, match="`network_input_is_1d` must be True for several modalities, received False"
    ):
        build()(inputs, network_input_is_1d=False)


def test_options_that_name_nothing_are_refused(build):
    with pytest.raises(
        ConfigurationError, match="`modalities` must name at least one preprocessor, received none"
    ):
        perceivers.PerceiverMultimodalPreprocessor({})
    with pytest.raises(
        ConfigurationError, match=r"`mask_probs` must name modalities of .*received \['taste'\]"
    ):
        build(mask_probs={"taste": 0.5})
    for probability in (-0.1, 1.5):
        with pytest.raises(
            ConfigurationError, match=r"`mask_probs\['sound'\]` must be a probability between 0 and 1, re"
        ):
            build(mask_probs={"sound": probability})
    with pytest.raises(ConfigurationError, match="`min_padding_size` must be at least 0, received -1"):
        build(min_padding_size=-1)


# The way back


class Doubled(nn.Module):
    """A plain module, which sees all tokens of its modality."""

    def forward(self, inputs, pos=None, modality_sizes=None):
        return 2 * inputs.flatten(1)


@pytest.fixture
def postprocessor():
    modalities = {"b": Doubled(), "a": perceivers.PerceiverProjectionPostprocessor(3, 2)}
    return lambda **options: perceivers.PerceiverMultimodalPostprocessor(modalities, **options)


def test_each_modality_gets_its_own_tokens(postprocessor):
    model, decoded = postprocessor(), torch.randn(2, 5, 3)
    values = model(decoded, modality_sizes={"b": 1, "a": 4})
    assert list(values) == ["a", "b"]
    torch.testing.assert_close(values["a"], model.modalities["a"].classifier(decoded[:, :4]))
    assert torch.equal(values["b"], 2 * decoded[:, 4])
    as_mapping = postprocessor(input_is_dict=True)({"b": decoded[:, 4:], "a": decoded[:, :4]})
    assert torch.equal(as_mapping["a"], values["a"])
    assert torch.equal(as_mapping["b"], values["b"])


def test_a_modality_without_tokens_is_left_out(postprocessor):
    assert list(postprocessor()(torch.randn(2, 4, 3), modality_sizes={"a": 4, "b": 0})) == ["a"]


def test_chunks_and_their_whole_are_the_same_values(postprocessor):
    model, decoded = postprocessor(), torch.randn(2, 5, 3)
    sizes = {"a": 3, "b": 2}
    first = model.of_chunk(decoded[:, :2], {"a": 2})
    second = model.of_chunk(decoded[:, 2:4], {"a": 1, "b": 1})
    third = model.of_chunk(decoded[:, 4:], {"b": 1})
    assert first["a"].shape == (2, 2, 2)
    assert torch.equal(third["b"], decoded[:, 4:])
    joined = {
        "a": torch.cat([first["a"], second["a"]], dim=1),
        "b": torch.cat([second["b"], third["b"]], dim=1),
    }
    values = model.of_whole(joined, sizes)
    expected = model(decoded, modality_sizes=sizes)
    torch.testing.assert_close(values, expected)
    assert not model.pointwise


def test_decoded_tokens_that_do_not_fit_are_refused(postprocessor):
    decoded = torch.randn(2, 5, 3)
    for sizes, message in (
        (None, "`modality_sizes` must be given when `inputs` are one array, received None"),
        (
            {"a": 4},
            r"`modality_sizes` \{'a': 4\} must add up to the second axis of `inputs`, received \[2, 5, 3\]",
        ),
        ({"a": 4, "c": 1}, r"`modality_sizes` must name modalities of \['a', 'b'\], received \['c'\]"),
    ):
        with pytest.raises(ShapeError, match=message):
            postprocessor()(decoded, modality_sizes=sizes)
    with pytest.raises(
        ShapeError, match=r"`inputs` must be a mapping from modality to tokens .*received Tensor"
    ):
        postprocessor(input_is_dict=True)(decoded)


def test_a_modality_that_is_built_whole_leaves_the_others_their_structure():
    config = perceivers.PerceiverConfig(d_model=7, vocab_size=31, max_position_embeddings=11)
    modalities = {
        "series": perceivers.PerceiverSeriesPreprocessor(config, in_channels=2, num_bands=3),
        "text": perceivers.PerceiverTextPreprocessor(config),
    }
    mixture = perceivers.PerceiverMultimodalPreprocessor(modalities, min_padding_size=3)
    structure = mixture.structure()
    assert structure.whole_because == (
        "'text': PerceiverTextPreprocessor looks tokens up in tables, which must be the only tokens"
    )
    inputs = {"series": torch.randn(2, 5, 2), "text": torch.randint(0, 31, (2, 3))}
    parts = structure.parts(inputs, False)
    assert torch.equal(parts["text"].features, modalities["text"](inputs["text"])[0])
    assert torch.equal(parts["text"].padding, mixture.padding["text"][0])
    assert torch.equal(parts["series"].features, inputs["series"])
    assert parts["series"].positions.num_channels == 7
