"""Packed maps are the linear maps they were made of, fused or not, on every kind of weight."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from perceivers.inference import packed_map
from perceivers.inference.packed_map import PackedMap, packing_works
from perceivers.nn.activations import ACTIVATIONS, activation
from perceivers.nn.token_structure import AffineMap


def drawn_map(outputs: int, bias: bool = True, dtype: torch.dtype = torch.float32) -> AffineMap:
    torch.manual_seed(outputs)
    return AffineMap.of(nn.Linear(13, outputs, bias=bias, dtype=dtype))


# 5 outputs are fewer than a block of columns, and stay as they are.
@pytest.mark.parametrize("outputs", [5, 17, 64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@torch.inference_mode()
def test_a_map_with_and_without_something_added(outputs, bias, dtype):
    mapped = drawn_map(outputs, bias, dtype)
    inputs, added = torch.randn(3, 7, 13, dtype=dtype), torch.randn(3, 7, outputs, dtype=dtype)
    packed = PackedMap(mapped)
    before = added.clone()

    torch.testing.assert_close(packed(inputs), F.linear(inputs, mapped.weight, mapped.bias))
    torch.testing.assert_close(packed(inputs, added), F.linear(inputs, mapped.weight, mapped.bias) + added)
    assert torch.equal(added, before)
    assert packed.out_features == outputs


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@torch.inference_mode()
def test_every_activation(name):
    mapped, inputs = drawn_map(17), torch.randn(11, 13)

    received = PackedMap(mapped, activation(name))(inputs)

    torch.testing.assert_close(received, activation(name)(F.linear(inputs, mapped.weight, mapped.bias)))


@torch.inference_mode()
def test_inputs_may_be_views_and_of_any_number():
    mapped = drawn_map(17)
    packed, inputs = PackedMap(mapped), torch.randn(13, 700).T
    for rows in (1, 2, 700):
        some = inputs[:rows]
        torch.testing.assert_close(packed(some), F.linear(some, mapped.weight, mapped.bias))


@torch.inference_mode()
def test_without_the_kernels_it_is_the_plain_map(monkeypatch):
    monkeypatch.setattr(packed_map, "packing_works", lambda: False)
    mapped, inputs = drawn_map(17), torch.randn(11, 13)

    assert torch.equal(
        PackedMap(mapped, F.relu)(inputs), F.relu(F.linear(inputs, mapped.weight, mapped.bias))
    )


def test_a_build_without_onednn_does_not_pack(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    packing_works.cache_clear()
    try:
        assert not packing_works()
    finally:
        packing_works.cache_clear()
