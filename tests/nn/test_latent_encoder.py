"""The encoder's loop runs its layers in order, records what is asked for, and recomputes to the same gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perceivers.nn.attention_layer import AttentionLayer
from perceivers.nn.latent_encoder import encode_latents

BATCH, LATENTS, INPUTS = 2, 3, 5


def build(num_layers, dropout=0.0):
    shared = {"num_heads": 2, "widening_factor": 1, "activation_name": "gelu", "dropout": dropout}
    sizes = {"query_channels": 6, "qk_channels": 4, "v_channels": 6}
    cross = AttentionLayer(kv_channels=7, **sizes, **shared).double()
    layers = [AttentionLayer(kv_channels=None, **sizes, **shared).double() for _ in range(num_layers)]
    return {"cross_attention": cross, "self_attends": layers}


def arrays():
    return (
        torch.randn(BATCH, LATENTS, 6, dtype=torch.float64),
        torch.randn(BATCH, INPUTS, 7, dtype=torch.float64),
    )


@settings(max_examples=15)
@given(num_layers=st.integers(0, 3), num_blocks=st.integers(1, 3))
def test_blocks_share_their_layers_and_every_state_is_recorded(num_layers, num_blocks):
    parts = build(num_layers)
    latents, inputs = arrays()
    trace = encode_latents(
        latents, inputs, **parts, num_blocks=num_blocks, need_weights=True, need_hidden_states=True
    )
    state, cross_weights = parts["cross_attention"](latents, inputs=inputs, output_attentions=True)
    states, weights = [], []
    for _ in range(num_blocks):
        for layer in parts["self_attends"]:
            states.append(state)
            state, layer_weights = layer(state, output_attentions=True)
            weights.append(layer_weights)
        states.append(state)
    assert len(trace.hidden_states) == num_blocks * (num_layers + 1)
    assert len(trace.attentions) == num_blocks * num_layers
    torch.testing.assert_close(trace.latents, state)
    torch.testing.assert_close(trace.cross_attentions, [cross_weights])
    torch.testing.assert_close(trace.hidden_states, states)
    torch.testing.assert_close(trace.attentions, weights)


def test_the_first_state_follows_the_cross_attend_and_the_last_is_the_result():
    parts = build(2)
    latents, inputs = arrays()
    trace = encode_latents(latents, inputs, **parts, num_blocks=2, need_hidden_states=True)
    assert torch.equal(trace.hidden_states[0], parts["cross_attention"](latents, inputs=inputs)[0])
    assert trace.hidden_states[-1] is trace.latents


def test_nothing_is_recorded_unless_it_is_asked_for():
    trace = encode_latents(*arrays(), **build(2), num_blocks=2)
    assert trace.hidden_states == []
    assert trace.attentions == []
    assert trace.cross_attentions == []


def test_masked_inputs_and_masked_latents_have_no_influence():
    parts = build(2)
    latents, inputs = arrays()
    options = {**parts, "num_blocks": 2}
    seen = torch.tensor([1, 0, 1, 1, 0])
    masked = encode_latents(latents, inputs, input_mask=seen.expand(BATCH, -1), **options)
    torch.testing.assert_close(
        masked.latents, encode_latents(latents, inputs[:, seen.bool()], **options).latents
    )
    kept = encode_latents(latents, inputs, latent_mask=torch.tensor([[1, 0, 1]] * BATCH), **options)
    torch.testing.assert_close(
        kept.latents[:, [0, 2]], encode_latents(latents[:, [0, 2]], inputs, **options).latents
    )


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_recomputation_changes_neither_values_nor_gradients(need_weights, dropout):
    parts = build(2, dropout)
    parameters = [
        *parts["cross_attention"].parameters(),
        *(values for layer in parts["self_attends"] for values in layer.parameters()),
    ]
    latents, inputs = arrays()
    latents.requires_grad_()
    results = []
    for recompute in (False, True):
        torch.manual_seed(7)  # the same weights are dropped
        trace = encode_latents(
            latents, inputs, **parts, num_blocks=2, need_weights=need_weights, recompute=recompute
        )
        total = trace.latents.square().sum()
        if need_weights:
            total = total + trace.cross_attentions[0].square().sum() + trace.attentions[-1].square().sum()
        results.append((trace.latents, torch.autograd.grad(total, [latents, *parameters])))
    (plain, plain_gradients), (recomputed, recomputed_gradients) = results
    assert torch.equal(recomputed, plain)
    torch.testing.assert_close(recomputed_gradients, plain_gradients)


def test_recomputation_runs_every_layer_once_more():
    parts = build(2)
    calls = []
    for layer in (parts["cross_attention"], *parts["self_attends"]):
        layer.mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    encode_latents(*arrays(), **parts, num_blocks=2, recompute=True).latents.sum().backward()
    # Five layers forward; the backward pass needs all of them again.
    assert len(calls) == 10
