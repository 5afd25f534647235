"""Classification of pictures: sizes, channels, stems, and what DeepMind's arithmetic changes."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from perceivers.errors import ShapeError

TASKS = ["image_learned", "image_fourier", "image_conv"]


@pytest.mark.parametrize("task", ["image_fourier", "image_conv"])
@pytest.mark.parametrize("size", [(19, 13), (23, 29)])
def test_fourier_positions_serve_any_size(task, size, tiny):
    model = tiny(task)
    pictures = torch.randn(2, 3, *size)
    encoded = model.encode(pictures)
    expected = size if task == "image_fourier" else tuple(((n + 1) // 2 - 3) // 2 + 1 for n in size)
    assert encoded.index_dims == expected
    assert encoded.output_dims == size
    assert encoded.features.shape[1] == expected[0] * expected[1]
    assert model(pictures).logits.shape == (2, 3)
    turned = model(pictures.transpose(2, 3)).logits
    assert (turned - model(pictures).logits).abs().max() > 1e-3


@pytest.mark.parametrize("size", [(7, 11), (5, 3), (13, 13)])
def test_learned_positions_are_fitted_to_another_size_when_asked(size, tiny, same):
    model = tiny("image_learned")
    pictures = torch.randn(2, 3, *size)
    with pytest.raises(
        ShapeError,
        match=r"`inputs` must give the 35 tokens that learned positions exist for, \[5, 7\], .*interpolate_pos_encoding=True",
    ):
        model(pictures)
    output = model(pictures, interpolate_pos_encoding=True)
    same(output.logits, model.decode(model.encode(pictures, interpolate_pos_encoding=True)))

    other = tiny("image_learned", image_size=size)
    weights = model.state_dict()
    key = "perceiver.input_preprocessor.position_embeddings.position_embeddings"
    grid = weights[key].reshape(1, 5, 7, 13).permute(0, 3, 1, 2)
    resized = F.interpolate(grid, size=size, mode="bicubic", align_corners=False)
    weights[key] = resized.permute(0, 2, 3, 1).flatten(0, 2)
    other.load_state_dict(weights)
    same(output.logits, other(pictures).logits, 1e-5)


def test_a_picture_lying_on_its_side_does_not_pass_for_one_that_stands(tiny):
    model = tiny("image_learned")
    turned = torch.randn(2, 3, 7, 5)
    with pytest.raises(
        ShapeError, match=r"learned positions exist for, \[5, 7\].*received a grid of \[7, 5\]"
    ):
        model(turned)
    assert model(turned, interpolate_pos_encoding=True).logits.shape == (2, 3)


def test_a_square_size_may_be_one_number(tiny, same):
    one, two = tiny("image_learned", image_size=5), tiny("image_learned", image_size=[5, 5])
    two.load_state_dict(one.state_dict())
    pictures = torch.randn(2, 3, 5, 5)
    same(one(pictures).logits, two(pictures).logits)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("channels", [1, 5])
def test_pictures_may_have_any_number_of_channels(task, channels, tiny):
    model = tiny(task, image_channels=channels, image_size=(13, 17))
    pictures = torch.randn(2, channels, 13, 17)
    logits = model(pictures).logits
    changed = pictures.clone()
    changed[:, -1] += 1
    assert (model(changed).logits - logits).abs().amax(dim=1).min() > 1e-4
    message = (
        rf"`inputs` must be floating-point pictures \[batch, {channels}, height, width\].*\[2, 3, 13, 17\]"
    )
    with pytest.raises(ShapeError, match=message):
        model(torch.randn(2, 3, 13, 17))


@pytest.mark.parametrize("padding", ["transformers", "same"])
@pytest.mark.parametrize("size", [(32, 47), (37, 29)])
def test_several_stem_layers_divide_the_sides_by_four_each(padding, size, tiny):
    model = tiny("image_conv", stem_num_layers=2, stem_padding=padding)

    def quarter(n):
        halved = math.ceil(n / 2)
        return math.ceil(halved / 2) if padding == "same" else (halved - 3) // 2 + 1

    expected = tuple(quarter(quarter(n)) for n in size)
    encoded = model.encode(torch.randn(2, 3, *size))
    assert encoded.index_dims == expected
    assert encoded.features.shape == (2, expected[0] * expected[1], 5)
    layers = [name for name in model.state_dict() if "convnet" in name and name.endswith("conv.weight")]
    assert len(layers) == 2
    assert model(torch.randn(1, 3, *size)).logits.shape == (1, 3)


def test_same_padding_gives_the_stem_every_started_window(tiny):
    pictures = torch.randn(2, 3, 16, 24)
    assert tiny("image_conv", stem_padding="same").encode(pictures).index_dims == (4, 6)
    assert tiny("image_conv").encode(pictures).index_dims == (3, 5)


def test_the_stem_may_go_without_normalisation(tiny):
    model = tiny("image_conv", stem_batch_norm=False)
    assert not any("batchnorm" in name for name in model.state_dict())
    assert model(torch.randn(2, 3, 13, 17)).logits.shape == (2, 3)


def test_the_learned_classifier_of_deepmind_has_no_query_residual(tiny, same):
    with_residual = tiny("image_learned")
    without = tiny("image_learned", learned_classifier_query_residual=False)
    without.load_state_dict(with_residual.state_dict())
    pictures = torch.randn(2, 3, 5, 7)
    decoder = with_residual.perceiver.decoder.decoder
    latents = with_residual.encode(pictures).latents
    query = decoder.output_position_encodings.position_embeddings.expand(2, -1, -1)
    layer = decoder.decoding_cross_attention
    attended, _ = layer.attention(query, latents, None, False)

    def scores(context):
        return decoder.final_layer(context + layer.mlp(layer.layernorm(context)))[:, 0]

    same(with_residual(pictures).logits, scores(attended), 1e-5)
    same(without(pictures).logits, scores(attended - query), 1e-5)
    for task, has_residual in (("image_learned", False), ("image_fourier", True), ("image_conv", True)):
        attention = tiny(
            task, fidelity="deepmind"
        ).perceiver.decoder.decoder.decoding_cross_attention.attention
        assert attention.query_residual is has_residual


def test_deepminds_arithmetic_drops_no_attention(tiny):
    pictures = torch.randn(2, 3, 5, 7)
    deterministic = tiny("image_fourier", fidelity="deepmind").train()
    assert torch.equal(deterministic(pictures).logits, deterministic(pictures).logits)
    dropping = tiny("image_fourier").train()
    assert not torch.equal(dropping(pictures).logits, dropping(pictures).logits)


@pytest.mark.parametrize("fidelity", ["deepmind", "transformers"])
def test_a_picture_that_is_masked_altogether(fidelity, tiny, same):
    model = tiny("image_fourier", fidelity=fidelity)
    pictures, mask = torch.randn(3, 3, 5, 7), torch.ones(3, 35)
    mask[:2] = 0
    logits = model(pictures, attention_mask=mask).logits
    difference = (logits[0] - logits[1]).abs().max()
    # Zeros know nothing of the picture; the mean of all values does.
    assert difference < 1e-6 if fidelity == "deepmind" else difference > 1e-4
    same(logits[2:], model(pictures[2:]).logits, 1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_the_loss_is_the_cross_entropy_of_the_scores(task, tiny, inputs_of):
    model, pictures, labels = tiny(task), inputs_of(task), torch.tensor([2, 0])
    output = model(pictures, labels=labels)
    expected = -output.logits.log_softmax(dim=1)[torch.arange(2), labels].mean()
    torch.testing.assert_close(output.loss, expected)
    with pytest.raises(ShapeError, match=r"`labels` must be in \[0, 2\]"):
        model(pictures, labels=torch.tensor([3, 0]))


@pytest.mark.parametrize("task", TASKS)
def test_pictures_that_are_none_are_refused(task, tiny):
    model = tiny(task)
    for wrong, message in (
        (
            torch.randint(0, 255, (2, 3, 13, 17), dtype=torch.uint8),
            "must be floating-point pictures .* torch.uint8",
        ),
        (torch.randn(3, 13, 17), r"must be floating-point pictures .*received \[3, 13, 17\]"),
        (torch.randn(0, 3, 13, 17), r"must not be empty, received \[0, 3, 13, 17\]"),
        (torch.full((1, 3, 13, 17), math.inf), "must hold finite numbers"),
    ):
        with pytest.raises(ShapeError, match=f"`inputs` {message}"):
            model(wrong)
    with pytest.raises(ShapeError, match="give `inputs` or `pixel_values`, not both"):
        model(torch.randn(1, 3, 13, 17), pixel_values=torch.randn(1, 3, 13, 17))


@pytest.mark.parametrize("size", [(4, 17), (17, 1)])
def test_a_picture_smaller_than_the_stem_is_refused(size, tiny):
    model = tiny("image_conv")
    with pytest.raises(ShapeError, match="`inputs` must be larger than the convolutional stem, received"):
        model(torch.randn(1, 3, *size))
    same_padding = tiny("image_conv", stem_padding="same")
    assert same_padding(torch.randn(2, 3, *size)).logits.shape == (2, 3)
