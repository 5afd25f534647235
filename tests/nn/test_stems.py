"""The stem of stages of convolutions."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError
from perceivers.nn.stems import ConvolutionalStem, first_pool, learn_in_bfloat16, num_multiplications


def built(*args, **options) -> ConvolutionalStem:
    torch.manual_seed(0)
    stem = ConvolutionalStem(*args, **options).eval()
    for module in stem.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
            nn.init.uniform_(module.running_mean, -1, 1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return stem


def plain(layer, inputs: torch.Tensor) -> torch.Tensor:
    """Convolution and normalisation, written out."""
    norm = layer.norm
    hidden = F.conv2d(inputs, layer.convolution.weight, padding=1)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (hidden - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]


def test_stages_are_convolutions_pools_and_residual_blocks():
    stem, images = built(3, (5, 7), (1, 2), num_blocks=1), torch.randn(2, 3, 11, 13)
    first, second = stem.stages
    hidden = F.max_pool2d(plain(first.entry, images).relu(), (1, 2), ceil_mode=True)
    assert hidden.shape == (2, 5, 11, 7)
    hidden = F.max_pool2d(plain(second.entry, hidden).relu(), 2, ceil_mode=True)
    (block,) = second.blocks
    expected = (hidden + plain(block.second, plain(block.first, hidden).relu())).relu()
    assert expected.shape == (2, 7, 6, 4)
    torch.testing.assert_close(stem(images), expected, atol=1e-5, rtol=1e-5)
    assert not first.blocks


def test_rows_of_zeros_behind_an_image_change_nothing():
    stem, images = built(1, (5, 7, 3), (2, 2), num_blocks=1), torch.randn(2, 1, 37, 12)
    images[0, :, 19:] = 0
    together = stem(images, torch.tensor([19, 37]))
    alone = stem(images[:1, :, :19], torch.tensor([19]))
    torch.testing.assert_close(alone, stem(images[:1, :, :19]), atol=1e-6, rtol=0)
    torch.testing.assert_close(together[:1, :, :3], alone, atol=1e-6, rtol=0)
    assert not together[0, :, 3:].any()
    assert together[1, :, 3:].any()
    # Without the number, they would: biases of the layers reach into them.
    assert not torch.allclose(stem(images)[:1, :, :3], alone, atol=1e-3)


def test_a_stem_learns_in_bfloat16_and_answers_in_float32():
    stem, images = built(3, (5, 7)), torch.randn(2, 3, 11, 13)
    exact = stem(images)
    learn_in_bfloat16(nn.Sequential(stem))
    assert torch.equal(stem(images), exact)
    torch.manual_seed(0)
    plainly = ConvolutionalStem(3, (5, 7)).train()
    expected, learned = plainly(images), stem.train()
    learned.load_state_dict(plainly.state_dict())
    features = learned(images)
    assert features.dtype == torch.float32
    assert 1e-4 < (features - expected).abs().max() < 0.1
    features.sum().backward()
    assert all(weights.grad.dtype == torch.float32 for weights in learned.parameters())


def test_multiplications_are_those_of_all_convolutions():
    stem, images, count = built(3, (5, 7), (2, 1), 2), torch.randn(1, 3, 11, 13), 0

    def add(module, _inputs, output):
        nonlocal count
        count += output[0, 0].numel() * module.weight.numel()

    for module in stem.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)
    stem(images)
    assert num_multiplications((11, 13), 3, (5, 7), (2, 1), 2) == count


def test_settings_out_of_range_are_refused():
    for widths in ((), (4, 0)):
        with pytest.raises(
            ConfigurationError, match=r"`stem_widths` must be the channels of one stage or more"
        ):
            ConvolutionalStem(1, widths)
    with pytest.raises(ConfigurationError, match="`stem_blocks` must be at least 0, received -1"):
        ConvolutionalStem(1, (4,), num_blocks=-1)
    assert [first_pool("factor", factor, 3) for factor in (4, 8)] == [1, 2]
    with pytest.raises(
        ConfigurationError, match="`factor` must be 4 or 8 for a stem of 3 stages, received 6"
    ):
        first_pool("factor", 6, 3)
