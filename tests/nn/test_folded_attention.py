"""One head without keys and values gives what one with them gives, gradients included, and only where nobody can notice."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from perceivers.nn import folded_attention
from perceivers.nn.attention import attend
from perceivers.nn.folded_attention import can_fold, folding_pays, look

BATCH, QUERIES, INPUTS, CHANNELS, QK, V = 2, 5, 13, 7, 3, 11


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    monkeypatch.setattr(folded_attention, "_SMALL", 0)


def maps(key_bias=True):
    return nn.Linear(CHANNELS, QK, bias=key_bias).double(), nn.Linear(CHANNELS, V).double()


def arrays():
    query, inputs = (
        torch.randn(BATCH, *size, dtype=torch.float64) for size in ((QUERIES, QK), (INPUTS, CHANNELS))
    )
    return query.requires_grad_(), inputs.requires_grad_()


MASKS = {
    "none": None,
    "inputs": (torch.arange(INPUTS) % 3 > 0).expand(BATCH, 1, 1, INPUTS),
    "nothing may be seen": torch.stack([torch.ones(1, 1, INPUTS), torch.zeros(1, 1, INPUTS)]).bool(),
    "all pairs": (torch.arange(QUERIES * INPUTS).reshape(1, 1, QUERIES, INPUTS) % 4 > 0)
    & (torch.arange(QUERIES) != 2)[:, None],
    "queries": (torch.arange(QUERIES) > 1).expand(BATCH, QUERIES)[:, None, :, None],
}


@pytest.mark.parametrize("zero_masked_rows", [False, True])
@pytest.mark.parametrize("masked", MASKS)
@pytest.mark.parametrize("tile", [1, 2 * INPUTS, 2**23])
def test_it_is_attention_to_keys_and_values_and_so_is_its_gradient(
    monkeypatch, tile, masked, zero_masked_rows
):
    monkeypatch.setattr(folded_attention, "_TILE", tile)
    (query, inputs), (key, value), mask = arrays(), maps(), MASKS[masked]
    received = look(query, inputs, key, value, mask, zero_masked_rows)
    expected, _ = attend(
        query,
        key(inputs),
        value(inputs),
        num_heads=1,
        mask=mask,
        zero_masked_rows=zero_masked_rows,
        implementation="eager",
    )
    torch.testing.assert_close(received, expected)
    weight = torch.randn_like(expected)
    sources = [query, inputs, *key.parameters(), *value.parameters()]
    ours, theirs = (
        torch.autograd.grad((each * weight).sum(), sources, retain_graph=True)
        for each in (received, expected)
    )
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("masked", ["none", "inputs"])
def test_the_gradient_is_the_one_of_finite_differences(masked):
    (query, inputs), (key, value) = arrays(), maps(key_bias=False)
    assert torch.autograd.gradcheck(
        lambda query, inputs: look(query, inputs, key, value, MASKS[masked]), (query, inputs)
    )


def test_a_bias_of_the_keys_has_a_gradient_of_zero():
    (query, inputs), (key, value) = arrays(), maps()
    look(query, inputs, key, value).sum().backward()
    assert key.bias.grad.tolist() == [0.0] * QK


def test_single_precision_is_as_near_to_double_as_with_keys():
    (query, inputs), (key, value) = arrays(), maps()
    exact = look(query, inputs, key, value)
    single = [each.detach().float() for each in (query, inputs)]
    key, value = key.float(), value.float()
    folded = look(*single, key, value)
    with_keys, _ = attend(single[0], key(single[1]), value(single[1]), num_heads=1)
    for received in (folded, with_keys):
        torch.testing.assert_close(received.double(), exact, rtol=1e-5, atol=1e-6)


def test_inputs_that_need_no_gradient_get_none():
    (query, inputs), (key, value) = arrays(), maps()
    expected = torch.autograd.grad(look(query, inputs, key, value).square().sum(), [query, key.weight])
    frozen = look(query, inputs.detach(), key.requires_grad_(True), value)
    for one, other in zip(
        torch.autograd.grad(frozen.square().sum(), [query, key.weight]), expected, strict=True
    ):
        assert torch.equal(one, other)


def test_a_gradient_of_the_gradient_is_refused_as_by_the_fused_kernels():
    (query, inputs), (key, value) = arrays(), maps()
    (gradient,) = torch.autograd.grad(look(query, inputs, key, value).sum(), query, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.sum().backward()


def test_weights_are_made_a_tile_at_a_time(monkeypatch):
    (query, inputs), (key, value) = arrays(), maps()
    made = []
    logits = folded_attention._logits
    monkeypatch.setattr(
        folded_attention,
        "_logits",
        lambda *given: (made.append(tuple((each := logits(*given)).shape)), each)[1],
    )

    def tiles(size):
        made.clear()
        monkeypatch.setattr(folded_attention, "_TILE", size)
        look(query, inputs, key, value).sum().backward()
        return made

    # 5 queries at 2 a tile, in each of two samples, there and back.
    assert tiles(2 * INPUTS) == [(1, 2, INPUTS), (1, 2, INPUTS), (1, 1, INPUTS)] * BATCH * 2
    assert tiles(QUERIES * INPUTS) == [(1, QUERIES, INPUTS)] * BATCH * 2
    assert tiles(BATCH * QUERIES * INPUTS) == [(BATCH, QUERIES, INPUTS)] * 2


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=50)
def test_it_pays_where_it_takes_fewer_multiplications(queries, inputs, channels, qk, v):
    with_keys = inputs * channels * qk + inputs * channels * v + queries * inputs * qk + queries * inputs * v
    folded = queries * qk * channels + queries * inputs * channels * 2 + queries * channels * v
    assert folding_pays(queries, inputs, channels, qk, v) == (folded < with_keys)


def test_pictures_are_worth_it_and_texts_with_narrow_keys_are_not():
    assert folding_pays(512, 50_176, 512, 512, 512)
    assert not folding_pays(1024, 512, 64, 16, 16)


class OtherWeights(nn.Parameter):
    """Weights that do not have to be plain numbers."""


class TestWhereItIsNotDone:
    def can(self, key=None, value=None, inputs=None):
        first, second = maps()
        return can_fold(key or first, value or second, arrays()[1] if inputs is None else inputs)

    def test_a_plain_layer_in_full_precision_on_a_processor_can(self):
        assert self.can()
        assert self.can(inputs=arrays()[1].float())

    def test_few_inputs_are_not_worth_it(self, monkeypatch):
        monkeypatch.setattr(folded_attention, "_SMALL", BATCH * INPUTS * CHANNELS)
        assert not self.can()

    def test_half_precision_autocast_and_other_devices_cannot(self):
        assert not self.can(inputs=arrays()[1].bfloat16())
        assert not self.can(inputs=arrays()[1].to("meta"))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert not self.can()

    @pytest.mark.parametrize("side", ["key", "value"])
    def test_an_adapter_or_a_hook_at_either_map_forbids_it(self, side):
        assert not self.can(**{side: nn.Sequential(nn.Linear(CHANNELS, QK))})
        linear = nn.Linear(CHANNELS, QK)
        linear.register_forward_hook(lambda *_: None)
        assert not self.can(**{side: linear})

    def test_weights_of_another_class_forbid_it(self):
        key, _ = maps()
        key.weight = OtherWeights(key.weight.detach())
        assert not self.can(key=key)

    def test_transforms_of_functions_forbid_it(self):
        seen, (key, value) = [], maps()
        torch.func.vmap(lambda each: (seen.append(can_fold(key, value, each)), each)[1])(arrays()[1])
        assert seen == [False]
