"""The stem has the size announced for it and the arithmetic of each original; the head doubles each side."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.convolution import Conv2DDownsample, ConvUpsample, stem_size


@settings(max_examples=60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    num_layers=st.integers(1, 2),
    padding=st.sampled_from(["same", "transformers"]),
)
def test_the_announced_size_is_the_real_one(height, width, num_layers, padding):
    stem = Conv2DDownsample(num_layers, in_channels=1, out_channels=2, padding=padding).eval()
    announced = (stem_size(height, num_layers, padding), stem_size(width, num_layers, padding))
    pictures = torch.randn(1, 1, height, width)
    if min(announced) < 1:
        with pytest.raises(ShapeError, match="`inputs` must have at least 5 rows and columns"):
            stem(pictures)
    else:
        assert stem(pictures).shape == (1, 2, *announced)


@given(size=st.integers(1, 1000), num_layers=st.integers(1, 4))
def test_same_padding_leaves_a_quarter_rounded_up(size, num_layers):
    assert stem_size(size, num_layers, "same") == math.ceil(size / 4**num_layers)


def test_a_released_picture_becomes_56_or_55_rows():
    assert stem_size(224, 1, "same") == 56
    assert stem_size(224, 1, "transformers") == 55


def windows_slowly(pictures, weight, top, left, rows, columns):
    """A convolution of stride 2 whose first window starts at (-top, -left), zeros outside the picture."""
    size = weight.shape[-1]
    result = torch.zeros(pictures.shape[0], weight.shape[0], rows, columns, dtype=pictures.dtype)
    for row in range(rows):
        for column in range(columns):
            for y in range(size):
                for x in range(size):
                    at_y, at_x = 2 * row - top + y, 2 * column - left + x
                    if 0 <= at_y < pictures.shape[2] and 0 <= at_x < pictures.shape[3]:
                        result[:, :, row, column] += pictures[:, :, at_y, at_x] @ weight[:, :, y, x].T
    return result


@pytest.mark.parametrize(
    ("padding", "starts", "pooled"),
    [
        # 11 x 8: SAME pads rows by 3 and 3, columns by 2 and 3; 6 x 4 are pooled from row 0, column 0, to 3 x 2.
        ("same", (3, 2), (3, 2)),
        # Three pixels all around; 6 x 4 are pooled unpadded to 2 x 1.
        ("transformers", (3, 3), (2, 1)),
    ],
)
def test_the_stem_is_convolution_norm_relu_and_pool(padding, starts, pooled):
    stem = Conv2DDownsample(in_channels=2, out_channels=3, padding=padding).double().eval()
    norm = stem.batchnorm
    with torch.no_grad():
        for values in (norm.weight, norm.bias, norm.running_mean):
            values.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    pictures = torch.randn(2, 2, 11, 8, dtype=torch.float64)
    with torch.no_grad():
        convolved = windows_slowly(pictures, stem.conv.weight, *starts, 6, 4)
        column = (slice(None), None, None)
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        activated = ((convolved - norm.running_mean[column]) * scale[column] + norm.bias[column]).clamp(min=0)
        expected = torch.stack(
            [
                torch.stack(
                    [
                        activated[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3].amax((2, 3))
                        for column in range(pooled[1])
                    ],
                    dim=-1,
                )
                for row in range(pooled[0])
            ],
            dim=-2,
        )
        torch.testing.assert_close(stem(pictures), expected)


def test_batch_norm_can_be_left_out():
    stem = Conv2DDownsample(in_channels=2, out_channels=3, use_batchnorm=False)
    assert sorted(stem.state_dict()) == ["conv.weight"]
    pictures = torch.randn(2, 2, 13, 13)
    expected = F.max_pool2d(F.conv2d(pictures, stem.conv.weight, stride=2, padding=3).relu(), 3, 2)
    torch.testing.assert_close(stem(pictures), expected)


def test_one_layer_has_the_keys_and_values_of_transformers():
    from transformers.models.perceiver.modeling_perceiver import Conv2DDownsample as Reference

    reference = Reference(in_channels=2, out_channels=3).eval()
    reference.batchnorm.running_mean.normal_()
    stem = Conv2DDownsample(in_channels=2, out_channels=3).eval()
    stem.load_state_dict(reference.state_dict())
    pictures = torch.randn(2, 2, 29, 23)
    torch.testing.assert_close(stem(pictures), reference(pictures))


def test_further_layers_are_further_stems():
    stem = Conv2DDownsample(3, in_channels=2, out_channels=5, padding="same").eval()
    assert len(stem.further_layers) == 2
    pictures = torch.randn(1, 2, 67, 37)
    first = Conv2DDownsample(1, in_channels=2, out_channels=5, padding="same").eval()
    first.load_state_dict({key: value for key, value in stem.state_dict().items() if "further" not in key})
    expected = stem.further_layers[1](stem.further_layers[0](first(pictures)))
    torch.testing.assert_close(stem(pictures), expected)


def test_no_layer_at_all_is_an_error():
    with pytest.raises(ConfigurationError, match="`num_layers` must be at least 1, received 0"):
        Conv2DDownsample(0)


def test_an_unknown_padding_is_an_error():
    with pytest.raises(
        ConfigurationError, match="`stem_padding` must be 'same' or 'transformers', received 'valid'"
    ):
        Conv2DDownsample(padding="valid")


def test_a_picture_too_small_for_the_second_layer_is_an_error():
    stem = Conv2DDownsample(2, in_channels=1, out_channels=2).eval()
    assert stem_size(17, 1, "transformers") == 4
    with pytest.raises(ShapeError, match=r"at least 5 rows and columns .* received \[1, 2, 4, 4\]"):
        stem(torch.zeros(1, 1, 17, 17))


@pytest.mark.parametrize("doublings", [1, 2, 3])
def test_pictures_are_doubled_as_often_as_asked(doublings):
    head = ConvUpsample(in_channels=5, out_channels=3, num_space_doublings=doublings)
    received = head(torch.randn(2, 3, 7, 5))
    assert received.shape == (2, 3 * 2**doublings, 7 * 2**doublings, 3)


@pytest.mark.parametrize(("space", "time"), [(2, 2), (2, 1), (1, 3), (2, 0), (0, 1)])
def test_videos_are_doubled_in_space_and_time_apart(space, time):
    head = ConvUpsample(in_channels=5, out_channels=3, num_space_doublings=space, num_time_doublings=time)
    assert head(torch.randn(2, 3, 7, 5, 5)).shape == (2, 3 * 2**time, 7 * 2**space, 5 * 2**space, 3)


def test_each_layer_but_the_last_has_twice_the_channels_of_the_next_and_a_relu():
    head = ConvUpsample(in_channels=5, out_channels=3, num_space_doublings=3)
    kinds = [type(layer).__name__ for layer in head.layers]
    assert kinds == ["ConvTranspose2d", "ReLU", "ConvTranspose2d", "ReLU", "ConvTranspose2d"]
    assert [head.layers[index].out_channels for index in (0, 2, 4)] == [12, 6, 3]
    assert [tuple(head.layers[index].kernel_size) for index in (0, 2, 4)] == [(4, 4)] * 3


def test_one_doubling_adds_every_pixel_into_a_window_of_four():
    head = ConvUpsample(in_channels=2, out_channels=1, num_space_doublings=1)
    inputs = torch.randn(1, 3, 2, 2)
    weight, bias = head.layers[0].weight, head.layers[0].bias
    canvas = torch.zeros(1, 1, 2 * 3 + 2, 2 * 2 + 2)  # one pixel around, cut off below
    for row in range(3):
        for column in range(2):
            canvas[:, :, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += torch.einsum(
                "bc,cdyx->bdyx", inputs[:, row, column], weight
            )
    torch.testing.assert_close(head(inputs), (canvas[:, :, 1:-1, 1:-1] + bias).movedim(1, -1))


def test_doubling_nothing_is_an_error():
    with pytest.raises(ConfigurationError, match=r"`num_space_doublings` or .* received 0 and None"):
        ConvUpsample(3, 3, num_space_doublings=0)
