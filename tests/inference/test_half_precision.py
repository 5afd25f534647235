"""Products in bfloat16: near the exact ones, where the processor has them, and refused with the reason elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError
from perceivers.inference import half_precision
from perceivers.inference.half_precision import HalfLinear
from perceivers.nn.activations import activation
from perceivers.nn.token_structure import AffineMap

needs_products = pytest.mark.skipif(
    half_precision.missing_products() is not None, reason="this processor has no products of bfloat16"
)
# bfloat16 keeps 8 bits: a rounding is off by 2^-9 of the value at most, and there are a few of them.
NEAR = 2.0**-6


@pytest.fixture(autouse=True)
def _ask_again():
    half_precision.missing_products.cache_clear()
    yield
    half_precision.missing_products.cache_clear()


@needs_products
def test_a_map_is_near_the_exact_one_and_keeps_the_type_of_its_inputs():
    generator = torch.Generator().manual_seed(0)
    weight, bias, inputs, added = (
        torch.randn(shape, generator=generator) for shape in ((17, 7), (17,), (2, 5, 7), (2, 5, 17))
    )
    gelu = activation("gelu")
    mapped = HalfLinear(AffineMap(weight, bias), gelu)
    exact = gelu(F.linear(inputs, weight, bias))
    received = mapped(inputs)
    assert received.dtype == torch.float32
    assert mapped(inputs.bfloat16()).dtype == torch.bfloat16
    assert 0 < float((received - exact).abs().max() / exact.abs().max()) < NEAR
    with_added = HalfLinear(AffineMap(weight, bias))(inputs.bfloat16(), added)
    assert with_added.dtype == torch.float32
    torch.testing.assert_close(with_added, F.linear(inputs, weight, bias) + added, atol=0.2, rtol=0)


@needs_products
def test_a_prepared_model_is_near_and_gives_float32(task, small, inputs_of):
    model, inputs = small(task), inputs_of(task)
    exact, received = model.prepare()(inputs).logits, model.prepare(dtype="bfloat16")(inputs).logits
    pairs = (
        [(received, exact)]
        if isinstance(exact, torch.Tensor)
        else [(received[name], exact[name]) for name in exact]
    )
    for ours, wanted in pairs:
        assert ours.dtype == torch.float32
        assert 0 < float((ours - wanted).abs().max() / wanted.abs().max()) < 8 * NEAR


@needs_products
def test_what_is_not_float32_on_the_processor_is_refused():
    with pytest.raises(
        ConfigurationError,
        match=r"needs float32 weights on the processor, received torch.float64.*bfloat16\)",
    ):
        HalfLinear(nn.Linear(3, 5, dtype=torch.float64))


def test_a_processor_without_such_products_is_told(small, monkeypatch):
    monkeypatch.setattr(half_precision, "_has_instructions", lambda: False)
    with pytest.raises(
        ConfigurationError, match=r"`dtype` must be None, .*neither AVX512-BF16 nor AMX.*quantize=\"int8\""
    ):
        small("image_fourier").prepare(dtype="bfloat16")


def test_a_build_without_the_kernels_is_told(monkeypatch):
    monkeypatch.setattr(half_precision, "packing_works", lambda: False)
    with pytest.raises(ConfigurationError, match="no oneDNN kernels"):
        half_precision.require_products()


def test_a_build_whose_products_are_wrong_or_missing_is_told(monkeypatch):
    monkeypatch.setattr(half_precision, "packing_works", lambda: True)
    monkeypatch.setattr(half_precision, "_has_instructions", lambda: True)
    monkeypatch.setattr(HalfLinear, "forward", lambda self, inputs: torch.zeros(3, 16))
    with pytest.raises(ConfigurationError, match="wrong products"):
        half_precision.require_products()
    half_precision.missing_products.cache_clear()

    def missing(self, inputs):
        raise RuntimeError("no such primitive")

    monkeypatch.setattr(HalfLinear, "forward", missing)
    with pytest.raises(ConfigurationError, match="cannot: no such primitive"):
        half_precision.require_products()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": "float16"}, "`dtype` must be None or 'bfloat16', received 'float16'"),
        ({"dtype": "bfloat16", "quantize": "int8"}, "give `quantize` or `dtype`, not both"),
    ],
)
def test_wrong_arguments_are_named(small, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        small("image_fourier").prepare(**arguments)
