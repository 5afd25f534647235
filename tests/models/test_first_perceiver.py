"""The first Perceiver: cross-attends again and again, their places and weights, the mean of the latents, its parameters."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers import (
    ConfigurationError,
    PerceiverConfig,
    PerceiverForCausalLM,
    PerceiverForImageClassificationFourier,
    PerceiverForMaskedLM,
    PerceiverForPrediction,
    PerceiverModel,
)

# The first Perceiver's sizes for ImageNet (Jaegle et al. 2021, arXiv 2103.03206, section 4.1).
IMAGENET = {
    "num_latents": 512,
    "d_latents": 1024,
    "d_model": 261,
    "num_blocks": 8,
    "num_self_attends_per_block": 6,
    "num_self_attention_heads": 8,
    "num_cross_attention_heads": 1,
    "num_labels": 1000,
    "mean_of_latents": True,
}
# By hand. A cross-attend asks with 1024 channels and looks at 3 colours and 2 x (2 x 64 + 1) features of positions, 261:
# norms 2 x 1024 + 2 x 261 + 2 x 1024; q 1024 x 261 + 261; k, v 2 x (261 x 261 + 261); out 261 x 1024 + 1024; perceptron
# 2 x (1024 x 1024 + 1024).
CROSS = 2 * 1024 + 2 * 261 + 2 * 1024 + 1024 * 261 + 261 + 2 * (261 * 261 + 261) + 261 * 1024 + 1024
CROSS += 2 * (1024 * 1024 + 1024)
# A self-attend: two norms, q, k, v, out and two layers of the perceptron.
SELF = 2 * 2 * 1024 + 6 * (1024 * 1024 + 1024)
REST = 512 * 1024 + 1024 * 1000 + 1000


@pytest.mark.parametrize(
    ("changes", "expected", "in_the_paper"),
    [
        # 8 cross-attends, 7 of which share their weights; one set of 6 layers.
        ({"num_cross_attends": 8}, REST + 2 * CROSS + 6 * SELF, 44.9),
        (
            {"num_cross_attends": 8, "cross_attend_sharing": "none", "share_self_attends": False},
            REST + 8 * CROSS + 48 * SELF,
            326.2,
        ),
        ({}, REST + CROSS + 6 * SELF, 42.1),
        (
            {"num_cross_attends": 4, "cross_attend_sharing": "none", "num_self_attends_per_block": 0},
            REST + 4 * CROSS,
            12.7,
        ),
        (
            {"num_cross_attends": 12, "cross_attend_sharing": "none", "num_self_attends_per_block": 0},
            REST + 12 * CROSS,
            34.9,
        ),
    ],
)
def test_the_parameters_are_those_of_the_paper(changes, expected, in_the_paper):
    with torch.device("meta"):
        model = PerceiverForImageClassificationFourier(PerceiverConfig(**{**IMAGENET, **changes}))
    assert model.num_parameters() == expected
    assert round(expected / 1e6, 1) == in_the_paper


def test_the_papers_network_has_so_many_parameters():
    assert REST + 2 * CROSS + 6 * SELF == 44_912_254


SMALL = {
    "num_latents": 5,
    "d_latents": 12,
    "d_model": 7,
    "num_blocks": 2,
    "num_self_attends_per_block": 3,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 1,
    "attention_probs_dropout_prob": 0.0,
}


def lively(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model.eval()


def small(**changes):
    torch.manual_seed(0)
    return lively(PerceiverModel(PerceiverConfig(**{**SMALL, **changes})))


@pytest.fixture(scope="module")
def tokens():
    return torch.randn(2, 11, 7, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        ({}, "c000000"),
        ({"num_cross_attends": 2}, "c000c000"),
        ({"num_cross_attends": 3}, "c00c00c00"),
        ({"num_cross_attends": 2, "cross_attend_places": [0, 0]}, "cc000000"),
        ({"num_cross_attends": 3, "cross_attend_places": [1, 1, 6]}, "0cc00000c"),
    ],
)
@torch.no_grad()
def test_cross_attends_stand_where_they_are_put(tokens, changes, order):
    model = small(**changes)
    ran = []
    for name, module in model.encoder.named_children():
        for layer in [module] if name == "cross_attention" else module:
            mark = "c" if "cross" in name else "0"
            layer.register_forward_hook(lambda *_, mark=mark: ran.append(mark))
    output = model(tokens, output_attentions=True)
    assert "".join(ran) == order
    assert len(output.cross_attentions) == order.count("c")


@pytest.mark.parametrize(
    ("sharing", "own"),
    [(None, [0, 1, 1, 1]), ("after_first", [0, 1, 1, 1]), ("all", [0] * 4), ("none", [0, 1, 2, 3])],
)
def test_weights_are_shared_as_asked(sharing, own):
    encoder = small(num_cross_attends=4, cross_attend_sharing=sharing).encoder
    layers = [encoder.cross_attention, *encoder.more_cross_attends]
    different = list(dict.fromkeys(map(id, layers)))
    assert [different.index(id(layer)) for layer in layers] == own
    assert len(encoder.repeated_cross_attentions) == len(different) - 1


@torch.no_grad()
def test_one_cross_attend_has_the_names_and_values_that_it_always_had(tokens):
    plain, told = small(), small(num_cross_attends=1, cross_attend_sharing="none", share_self_attends=True)
    assert list(plain.state_dict()) == list(told.state_dict())
    assert not any("repeated" in key for key in plain.state_dict())
    assert torch.equal(plain(tokens)[0], told(tokens)[0])
    assert not set(plain.config.to_dict()) & {"num_cross_attends", "share_self_attends", "mean_of_latents"}


@torch.no_grad()
def test_blocks_may_have_weights_of_their_own(tokens):
    own = small(share_self_attends=False)
    assert len(own.encoder.self_attends) == 6
    shared = small()
    shared.load_state_dict(
        {key: value for key, value in own.state_dict().items() if key in shared.state_dict()}
    )
    assert not torch.allclose(own(tokens)[0], shared(tokens)[0])
    for index in range(3):
        own.encoder.self_attends[3 + index].load_state_dict(own.encoder.self_attends[index].state_dict())
    assert torch.allclose(own(tokens)[0], shared(tokens)[0], atol=1e-6)


@torch.no_grad()
def test_each_cross_attend_may_see_a_part_of_the_inputs(tokens):
    model = small(num_cross_attends=3, cross_attend_inputs="parts", cross_attend_places=[0, 2, 6])
    weights = model(tokens, output_attentions=True).cross_attentions
    # 11 tokens: 3, 4 and 4.
    assert [each.shape[-1] for each in weights] == [3, 4, 4]
    changed = tokens.clone()
    changed[:, 7:] += 1.0
    states = [model(each, output_hidden_states=True).hidden_states for each in (tokens, changed)]
    # The last part is seen after the last self-attend only.
    assert all(torch.equal(*pair) for pair in zip(*(each[:-1] for each in states), strict=True))
    assert not torch.allclose(model(tokens)[0], model(changed)[0])


REPEATED = [
    {"num_cross_attends": 2},
    {"num_cross_attends": 4, "cross_attend_sharing": "all", "share_self_attends": False},
    {"num_cross_attends": 3, "cross_attend_sharing": "none", "cross_attend_places": [0, 0, 6]},
    {"num_cross_attends": 3, "cross_attend_inputs": "parts"},
]


@pytest.mark.parametrize("changes", REPEATED)
@torch.no_grad()
def test_the_fast_form_is_equal(tokens, changes):
    model = small(**changes)
    prepared = model.prepare()
    mask = torch.ones(2, 11)
    mask[0, 2:5] = 0
    for given in (None, mask):
        expected = model(tokens, given, output_hidden_states=True)
        said = prepared(tokens, given, output_hidden_states=True)
        assert torch.allclose(said[0], expected[0], atol=2e-5)
        assert len(said.hidden_states) == len(expected.hidden_states)
        for pair in zip(said.hidden_states, expected.hidden_states, strict=True):
            assert torch.allclose(*pair, atol=2e-5)


@torch.no_grad()
def test_the_fast_form_of_a_text_model_is_equal():
    torch.manual_seed(0)
    sizes = {"qk_channels": 12, "v_channels": 12, "decoder_num_heads": 1, "decoder_qk_channels": 4}
    config = PerceiverConfig(
        **{**SMALL, "num_cross_attention_heads": 2, **sizes},
        vocab_size=31,
        max_position_embeddings=9,
        num_cross_attends=3,
    )
    model = lively(PerceiverForMaskedLM(config))
    ids = torch.randint(31, (2, 9), generator=torch.Generator().manual_seed(2))
    mask = torch.ones(2, 9, dtype=torch.long)
    mask[1, 6:] = 0
    prepared = model.prepare()
    assert prepared.plain_parts == {}
    assert torch.allclose(prepared(ids, mask).logits, model(ids, mask).logits, atol=2e-5)


@torch.no_grad()
def test_pictures_are_classified_by_the_mean_of_the_latents():
    torch.manual_seed(0)
    config = PerceiverConfig(
        **SMALL,
        fourier_num_bands=3,
        fourier_max_resolution=(5, 7),
        num_labels=4,
        num_cross_attends=2,
        mean_of_latents=True,
    )
    model = lively(PerceiverForImageClassificationFourier(config))
    pictures = torch.randn(2, 3, 5, 7)
    latents = model.encode(pictures).latents
    output = model(pictures, labels=torch.tensor([1, 3]))
    assert torch.allclose(output.logits, model.perceiver.decoder.classifier(latents.mean(dim=1)))
    assert math.isfinite(output.loss.item())
    assert torch.allclose(model.prepare()(pictures).logits, output.logits, atol=2e-5)


@torch.no_grad()
def test_any_answers_are_given_by_the_mean_of_the_latents(tmp_path):
    torch.manual_seed(0)
    config = PerceiverConfig(
        **SMALL,
        num_cross_attends=2,
        mean_of_latents=True,
        modalities={"numbers": {"type": "number", "num_columns": 3, "out_channels": 8}},
        answers={
            "kind": {"type": "class", "num_labels": 3},
            "price": {"type": "number", "num_queries": 2},
        },
    )
    model = lively(PerceiverForPrediction(config))
    numbers = torch.randn(4, 3)
    output = model(numbers, labels={"kind": torch.tensor([0, 1, 2, 0]), "price": torch.randn(4)})
    mean = model.encode(numbers).latents.mean(dim=1)
    assert torch.allclose(output.logits["kind"], model.heads["kind"](mean[:, None])[:, 0], atol=1e-6)
    assert math.isfinite(output.loss.item())
    one = model(numbers, answers="price")
    assert torch.allclose(one.logits["price"], output.logits["price"])
    assert not any("cross_attention" in key for key in model.perceiver.decoder.state_dict())

    model.save_pretrained(tmp_path)
    again = PerceiverForPrediction.from_pretrained(tmp_path)
    assert torch.equal(again(numbers).logits["kind"], output.logits["kind"])
    assert torch.allclose(again.prepare()(numbers).logits["kind"], output.logits["kind"], atol=2e-5)


@pytest.mark.parametrize("changes", [{"num_cross_attends": 2}, {"share_self_attends": False}])
def test_causal_models_look_once(changes):
    with pytest.raises(
        ConfigurationError, match=r"must not be set for a causal model, whose latents look .* once"
    ):
        PerceiverForCausalLM(PerceiverConfig(**SMALL, **changes))


def test_the_mean_of_the_latents_answers_no_other_questions():
    with pytest.raises(
        ConfigurationError, match=r"`mean_of_latents` must not be set .* received PerceiverBasicDecoder"
    ):
        PerceiverForMaskedLM(PerceiverConfig(**{**SMALL, "d_model": 8}, mean_of_latents=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_cross_attends": 0}, "`num_cross_attends` must be a whole number of at least 1, received 0"),
        ({"cross_attend_sharing": "some"}, "`cross_attend_sharing` must be one of None, 'after_first'"),
        ({"cross_attend_inputs": "frames"}, "`cross_attend_inputs` must be one of None, 'all', 'parts'"),
        ({"share_self_attends": 1}, "`share_self_attends` must be True or False, received 1"),
        (
            {"num_cross_attends": 2, "cross_attend_places": [3, 0]},
            r"`cross_attend_places` must be 2 ascending whole numbers, .* received \[3, 0\]",
        ),
        ({"cross_attend_places": [0, 1]}, r"`cross_attend_places` must be 1 ascending whole numbers"),
        (
            {"num_cross_attends": 2, "cross_attend_places": [0, 7]},
            r"`cross_attend_places` must be at most the number of self-attends \(6\), received \[0, 7\]",
        ),
    ],
)
def test_what_cannot_be_built_is_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverModel(PerceiverConfig(**{**SMALL, **changes}))
