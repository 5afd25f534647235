"""Rounded linear layers: the hand-made sum, the error's bound, what they refuse."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import perceivers
from perceivers.errors import ConfigurationError
from perceivers.inference.quantization import Int8Linear, replace_linears, round_rows


def test_a_product_by_hand():
    linear = nn.Linear(2, 1)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[127.0, -1.4]]))
        linear.bias.copy_(torch.tensor([0.5]))

    received = Int8Linear(linear)(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))

    # Weights become 127 and -1, both with scale 1. The inputs (0, 2) become (0, 127) with scale 2 / 127, and (1, 0)
    # become (127, 0) with scale 1 / 127: the sums are -127 and 16129.
    torch.testing.assert_close(received, torch.tensor([[-2.0 + 0.5], [127.0 + 0.5]]))


@given(rows=st.integers(1, 7), channels=st.integers(1, 37), seed=st.integers(0, 1000))
def test_rounding_errs_by_half_a_step_at_most(rows, channels, seed):
    values = torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed))
    rounded, scale = round_rows(values)

    assert rounded.dtype == torch.int8
    assert rounded.abs().max() <= 127
    assert ((rounded * scale - values).abs() <= 0.5001 * scale).all()


def test_rows_of_zeros_stay_zeros():
    linear = nn.Linear(5, 3)
    torch.testing.assert_close(Int8Linear(linear)(torch.zeros(2, 7, 5)), linear.bias.expand(2, 7, 3))


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_stays_within_a_hundredth(bias):
    torch.manual_seed(0)
    linear = nn.Linear(67, 41, bias=bias)
    inputs = torch.randn(3, 11, 67)
    exact = linear(inputs)

    received = Int8Linear(linear)(inputs)

    assert received.shape == exact.shape
    error = (received - exact).abs().max() / exact.abs().max()
    assert 0 < error < 0.02


def test_every_linear_layer_inside_is_replaced():
    module = nn.Sequential(nn.Linear(5, 7), nn.Sequential(nn.GELU(), nn.Linear(7, 3)))
    replace_linears(module, Int8Linear)
    assert [type(each) for each in module.modules() if not list(each.children())] == [
        Int8Linear,
        nn.GELU,
        Int8Linear,
    ]


def test_other_dtypes_are_refused():
    message = r'`quantize="int8"` needs float32 weights on the processor, received torch.bfloat16 on cpu'
    with pytest.raises(ConfigurationError, match=message):
        Int8Linear(nn.Linear(3, 5, dtype=torch.bfloat16))


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = perceivers.PerceiverConfig(
        num_latents=5,
        d_latents=24,
        d_model=14,
        num_self_attends_per_block=3,
        num_self_attention_heads=2,
        num_cross_attention_heads=2,
        max_position_embeddings=11,
        decoder_num_heads=2,
        decoder_qk_channels=8,
    )
    return perceivers.PerceiverForMaskedLM(config).eval()


def test_a_prepared_model_rounds_its_self_attends_when_asked_to(model):
    ids = torch.randint(0, 262, (2, 7))
    exact = model.prepare()(ids).logits

    received = model.prepare(quantize="int8")(ids).logits

    error = float((received - exact).abs().max() / exact.abs().max())
    assert 0 < error < 0.05
    assert not any(isinstance(each, Int8Linear) for each in model.modules())
    torch.testing.assert_close(model.prepare()(ids).logits, exact)


def test_another_kind_of_rounding_is_an_error(model):
    with pytest.raises(ConfigurationError, match="`quantize` must be None or 'int8', received 'int4'"):
        model.prepare(quantize="int4")


def test_a_prepared_model_is_in_evaluation_mode(model):
    prepared = model.prepare()
    assert prepared.eval() is prepared
    assert prepared.training is False
