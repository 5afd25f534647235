"""A layer is norm, attention, residual, norm, perceptron, residual; its options change what they say and no more."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn import attention_layer, folded_attention
from perceivers.nn.attention_layer import Attention, AttentionLayer

BATCH, QUERIES, KEYS = 2, 3, 5


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    """What is done for large arrays alone is done."""
    for name in ("recomputed", "residual", "folded_attention"):
        monkeypatch.setattr(f"perceivers.nn.{name}._SMALL", 0)


def build(cross=True, **options):
    sizes = {"query_channels": 6, "kv_channels": 7 if cross else None, "qk_channels": 4, "v_channels": 10}
    layer = AttentionLayer(
        **{**sizes, "num_heads": 2, "widening_factor": 3, "activation_name": "gelu", **options}
    )
    # Norms that do nothing would hide a missing one.
    for name, values in layer.named_parameters():
        if "layernorm" in name:
            values.data.normal_()
    return layer.double()


def twin(layer, cross=True, **options):
    other = build(cross, **options)
    other.load_state_dict(layer.state_dict())
    return other


def queries():
    return torch.randn(BATCH, QUERIES, 6, dtype=torch.float64)


def keys():
    return torch.randn(BATCH, KEYS, 7, dtype=torch.float64)


def norm(module, values):
    mean = values.mean(-1, keepdim=True)
    variance = (values - mean).square().mean(-1, keepdim=True)
    return (values - mean) / torch.sqrt(variance + module.eps) * module.weight + module.bias


def linear(module, values):
    return values @ module.weight.T + module.bias


def layer_by_hand(layer, hidden, inputs=None, residual=True):
    projections = layer.attention.self
    asked = norm(projections.layernorm1, hidden)
    source = asked if inputs is None else norm(projections.layernorm2, inputs)
    query, key, value = (
        linear(projections.query, asked),
        linear(projections.key, source),
        linear(projections.value, source),
    )
    contexts = []
    for head in range(2):
        q, k = (each[..., head * 2 : head * 2 + 2] for each in (query, key))
        weights = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(2), dim=-1)
        contexts.append(weights @ value[..., head * 5 : head * 5 + 5])
    attended = linear(layer.attention.output.dense, torch.cat(contexts, dim=-1))
    attended = attended + hidden if residual else attended
    hidden_layer = F.gelu(linear(layer.mlp.dense1, norm(layer.layernorm, attended)))
    return attended + linear(layer.mlp.dense2, hidden_layer)


@pytest.mark.parametrize("residual", [True, False])
def test_cross_attention_is_written_as_in_the_paper(residual):
    layer = build(query_residual=residual)
    hidden, inputs = queries(), keys()
    (received,) = layer(hidden, inputs=inputs)
    torch.testing.assert_close(received, layer_by_hand(layer, hidden, inputs, residual))


@pytest.mark.parametrize("residual", [True, False])
def test_self_attention_is_written_as_in_the_paper(residual):
    layer = build(cross=False, query_residual=residual)
    hidden = queries()
    (received,) = layer(hidden)
    torch.testing.assert_close(received, layer_by_hand(layer, hidden, residual=residual))


def test_norms_use_the_epsilon_given():
    layer = build(norm_eps=0.5)
    assert {module.eps for module in layer.modules() if isinstance(module, torch.nn.LayerNorm)} == {0.5}
    hidden, inputs = queries(), keys()
    torch.testing.assert_close(layer(hidden, inputs=inputs)[0], layer_by_hand(layer, hidden, inputs))
    assert not torch.allclose(layer(hidden, inputs=inputs)[0], twin(layer)(hidden, inputs=inputs)[0])


def test_self_attention_has_one_norm_for_queries_keys_and_values():
    names = {name.rpartition(".")[0] for name in build(cross=False).state_dict()}
    assert names == {
        "attention.self.layernorm1",
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "layernorm",
        "mlp.dense1",
        "mlp.dense2",
    }
    assert "attention.self.layernorm2.weight" in build(cross=True).state_dict()


def test_weights_come_when_they_are_asked_for_and_change_nothing():
    layer = build()
    hidden, inputs = queries(), keys()
    (alone,) = layer(hidden, inputs=inputs)
    received, weights = layer(hidden, inputs=inputs, output_attentions=True)
    torch.testing.assert_close(received, alone)
    assert weights.shape == (BATCH, 2, QUERIES, KEYS)
    torch.testing.assert_close(weights.sum(-1), torch.ones(BATCH, 2, QUERIES, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(weights[..., 1].sum(), layer.attention.self.query.weight)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("form", ["two axes", "bool", "additive"])
def test_masked_inputs_are_as_good_as_absent(form):
    layer = build()
    hidden, inputs = queries(), keys()
    seen = torch.tensor([1, 1, 0, 1, 0])
    mask = {
        "two axes": seen.expand(BATCH, -1),
        "bool": seen.bool()[None, None, None],
        "additive": ((1 - seen) * -1e4)[None, None, None],
    }[form]
    expected = layer(hidden, inputs=inputs[:, seen.bool()])[0]
    torch.testing.assert_close(layer(hidden, inputs=inputs, inputs_mask=mask)[0], expected)
    torch.testing.assert_close(
        layer(hidden, inputs=inputs, inputs_mask=mask, output_attentions=True)[0], expected
    )


def test_masked_rows_of_self_attention_are_not_looked_at():
    layer = build(cross=False)
    hidden = queries()
    mask = torch.tensor([[1, 0, 1], [1, 0, 1]])
    received = layer(hidden, attention_mask=mask)[0][:, [0, 2]]
    torch.testing.assert_close(received, layer(hidden[:, [0, 2]])[0])


def test_zeros_for_fully_masked_rows_come_before_the_output_projection():
    layer = build(zero_masked_rows=True, query_residual=False)
    mask = torch.zeros(BATCH, KEYS)
    attended, _ = layer.attention(queries(), keys(), mask.bool()[:, None, None], need_weights=False)
    torch.testing.assert_close(attended, layer.attention.output.dense.bias.expand_as(attended))
    averaged = twin(layer, query_residual=False)(queries(), inputs=keys(), inputs_mask=mask)[0]
    assert not torch.allclose(layer(queries(), inputs=keys(), inputs_mask=mask)[0], averaged)


@pytest.mark.parametrize("need_weights", [False, True])
def test_both_implementations_agree_in_values_and_gradients(need_weights):
    fused = build(implementation="sdpa")
    plain = twin(fused, implementation="eager")
    hidden, inputs = queries(), keys()
    mask = torch.tensor([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]])
    results = [
        layer(hidden, inputs=inputs, inputs_mask=mask, output_attentions=need_weights)[0]
        for layer in (fused, plain)
    ]
    torch.testing.assert_close(*results)
    for result in results:
        result.square().sum().backward()
    for (name, one), other in zip(fused.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, msg=name)


@settings(max_examples=20)
@given(chunk_size=st.integers(1, 9), rows=st.integers(1, 7))
def test_the_perceptron_in_chunks_gives_the_same(chunk_size, rows):
    layer = build()
    chunked = twin(layer, mlp_chunk_size=chunk_size)
    hidden, inputs = torch.randn(BATCH, rows, 6, dtype=torch.float64), keys()
    calls = []
    chunked.mlp.register_forward_pre_hook(lambda _, arguments: calls.append(arguments[0].shape[1]))
    torch.testing.assert_close(chunked(hidden, inputs=inputs)[0], layer(hidden, inputs=inputs)[0])
    assert sum(calls) == rows
    assert max(calls) <= chunk_size


def test_dropout_acts_while_training_alone():
    layer = build(dropout=0.5)
    hidden, inputs = queries(), keys()
    trained = [layer.train()(hidden, inputs=inputs)[0] for _ in range(2)]
    assert not torch.allclose(*trained)
    torch.testing.assert_close(layer.eval()(hidden, inputs=inputs)[0], layer_by_hand(layer, hidden, inputs))


def test_every_parameter_gets_a_gradient():
    layer = build()
    layer(queries(), inputs=keys())[0].square().sum().backward()
    without = [name for name, values in layer.named_parameters() if not values.grad.abs().sum() > 0]
    # Adding one vector to every key moves all logits of a query alike.
    assert set(without) <= {"attention.self.key.bias"}


@pytest.mark.parametrize("key", ["qk_channels", "v_channels"])
def test_channels_that_heads_do_not_divide_are_an_error(key):
    with pytest.raises(ConfigurationError, match=rf"`{key}` must be divisible by .* \(2\), received 11"):
        build(**{key: 11})


def test_cross_attention_without_inputs_is_an_error():
    with pytest.raises(ShapeError, match="`inputs` must be given to a cross-attention layer, received None"):
        build()(queries())


def test_self_attention_with_inputs_is_an_error():
    with pytest.raises(
        ShapeError, match=r"`inputs` must be None for a self-attention layer, received \[2, 5, 7\]"
    ):
        build(cross=False)(queries(), inputs=keys())


def test_attention_alone_gives_its_weights_or_none():
    attention = Attention(6, 7, 4, 10, 2, True, 0.0, 1e-5, False, "sdpa").double()
    assert attention(queries(), keys(), None, need_weights=False)[1] is None
    assert attention(queries(), keys(), None, need_weights=True)[1].shape == (BATCH, 2, QUERIES, KEYS)


class TestOneHead:
    """Looks at many inputs without keys and values of them, while it learns."""

    SEEN = torch.arange(11) % 4 > 0

    def build(self, **options):
        return build(**{"num_heads": 1, "qk_channels": 5, "v_channels": 13, **options})

    def inputs(self, layer):
        return torch.randn(
            BATCH, 11, layer.attention.self.key.in_features, dtype=torch.float64, requires_grad=True
        )

    def folds(self, monkeypatch, layer, expected=True, **options):
        """What the layer gives; whether it made keys is as expected."""
        found = []
        monkeypatch.setattr(
            attention_layer, "look", lambda *given: (found.append(1), folded_attention.look(*given))[1]
        )
        output = layer(queries(), **{"inputs": self.inputs(layer), **options})
        assert bool(found) is expected
        return output

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"query_residual": False},
            {"zero_masked_rows": True},
            {"kv_channels": 6, "latents_as_keys": True},
        ],
        ids=lambda options: ", ".join(options) or "plain",
    )
    @pytest.mark.parametrize("seen", [None, SEEN, torch.zeros(11)], ids=["all", "some", "none"])
    def test_its_output_and_gradients_are_those_with_keys(self, monkeypatch, options, seen):
        layer, hidden = self.build(**options), queries().requires_grad_()
        inputs = self.inputs(layer)
        given = {"inputs": inputs, "inputs_mask": None if seen is None else seen.expand(BATCH, -1)}
        sources = [hidden, inputs, *layer.parameters()]
        received = layer(hidden, **given)[0]
        ours = torch.autograd.grad(received.square().sum(), sources)
        expected = layer.eval()(hidden, **given)[0]
        theirs = torch.autograd.grad(expected.square().sum(), sources)
        torch.testing.assert_close(received, expected)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)
        self.folds(monkeypatch, layer.train(), **given)

    def test_where_it_does_not_learn_it_is_as_before(self, monkeypatch):
        layer = self.build()
        self.folds(monkeypatch, layer)
        self.folds(monkeypatch, layer.eval(), expected=False)
        with torch.no_grad():
            self.folds(monkeypatch, layer.train(), expected=False)

    @pytest.mark.parametrize(
        "options",
        [
            {"num_heads": 5, "v_channels": 15},
            {"dropout": 0.5},
            {"implementation": "eager"},
            {"qk_channels": 1, "v_channels": 1},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_other_layers_make_keys(self, monkeypatch, options):
        self.folds(monkeypatch, self.build(**options), expected=False)

    def test_asked_for_weights_it_makes_keys(self, monkeypatch):
        assert len(self.folds(monkeypatch, self.build(), expected=False, output_attentions=True)) == 2

    def test_whoever_listens_to_the_projections_hears_them(self, monkeypatch):
        layer, heard = self.build(), []
        layer.attention.self.register_forward_hook(lambda *_: heard.append(1))
        self.folds(monkeypatch, layer, expected=False)
        assert heard == [1]

    def test_recomputed_layers_learn_the_same(self):
        layer, hidden = self.build(), queries()
        inputs = self.inputs(layer)
        sources = [inputs, *layer.parameters()]
        ours = torch.autograd.grad(
            checkpoint(layer, hidden, None, inputs, use_reentrant=False)[0].square().sum(), sources
        )
        for one, other in zip(
            ours, torch.autograd.grad(layer(hidden, inputs=inputs)[0].square().sum(), sources), strict=True
        ):
            assert torch.equal(one, other)


@pytest.mark.parametrize("place", ["attention.output.dense", "attention.output", "mlp.dense2", "mlp"])
def test_what_a_hook_was_given_is_not_written_to(place):
    layer, held = build(), []
    layer.get_submodule(place).register_forward_hook(
        lambda module, given, output: held.append((output, output.clone())) and None
    )
    hidden, inputs = queries(), keys()
    received = layer(hidden, inputs=inputs)[0]
    torch.testing.assert_close(received, layer_by_hand(layer, hidden, inputs))
    assert torch.equal(*held[0])


@pytest.mark.parametrize("cross", [True, False])
def test_a_layer_keeps_its_products_and_neither_norms_nor_activations(cross):
    layer = build(cross, v_channels=4)
    made = {}
    for name in ("attention.self.layernorm1", "layernorm", "mlp.dense1", "attention.self.key"):
        layer.get_submodule(name).register_forward_hook(
            lambda module, given, output, name=name: made.update(
                {name: StorageWeakRef(output.untyped_storage())}
            )
        )
    activation = layer.mlp.activation

    def recorded(hidden):
        result = activation(hidden)
        made["activation"] = StorageWeakRef(result.untyped_storage())
        return result

    layer.mlp.activation = recorded
    output = layer(queries(), inputs=keys() if cross else None)[0]
    kept = {name for name, memory in made.items() if not memory.expired()}
    assert kept == {"mlp.dense1", "attention.self.key"}
    del output


def test_a_layer_that_learns_is_exported_with_any_number_of_samples_and_inputs():
    class Looking(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = build(num_heads=1)

        def forward(self, hidden, inputs):
            return self.layer(hidden, inputs=inputs)[0]

    model, some = Looking(), torch.export.Dim("samples", min=2, max=64)
    several = torch.export.Dim("inputs", min=2, max=64)
    program = torch.export.export(
        model, (queries(), keys()), dynamic_shapes=({0: some}, {0: some, 1: several})
    )
    hidden = torch.randn(3, QUERIES, 6, dtype=torch.float64)
    inputs = torch.randn(3, 11, 7, dtype=torch.float64)
    torch.testing.assert_close(program.module()(hidden, inputs), model(hidden, inputs))


class TestLatentsAsKeys:
    def build(self, **options):
        return build(kv_channels=6, latents_as_keys=True, **options)

    def test_keys_are_the_inputs_then_the_latents_by_the_same_maps(self):
        layer, hidden, inputs = self.build(), queries(), torch.randn(BATCH, KEYS, 6, dtype=torch.float64)
        projections = layer.attention.self
        asked = norm(projections.layernorm1, hidden)
        source = torch.cat([norm(projections.layernorm2, inputs), asked], dim=1)
        key, value = linear(projections.key, source), linear(projections.value, source)
        heads = []
        for head in range(2):
            query = linear(projections.query, asked)[..., 2 * head : 2 * head + 2]
            logits = query @ key[..., 2 * head : 2 * head + 2].transpose(1, 2) / math.sqrt(2)
            heads.append(torch.softmax(logits, dim=-1) @ value[..., 5 * head : 5 * head + 5])
        attended = hidden + linear(layer.attention.output.dense, torch.cat(heads, dim=-1))
        expected = attended + layer.mlp(norm(layer.layernorm, attended))
        output, weights = layer(hidden, inputs=inputs, output_attentions=True)
        assert weights.shape == (BATCH, 2, QUERIES, KEYS + QUERIES)
        assert torch.allclose(output, expected)
        assert torch.allclose(layer(hidden, inputs=inputs)[0], expected)

    @pytest.mark.parametrize("zero_masked_rows", [False, True])
    def test_masks_hide_inputs_and_never_latents(self, zero_masked_rows):
        layer = self.build(zero_masked_rows=zero_masked_rows)
        hidden, inputs = queries(), torch.randn(BATCH, KEYS, 6, dtype=torch.float64)
        mask = torch.arange(KEYS).expand(BATCH, -1) < 2
        expected = layer(hidden, inputs=inputs[:, :2])[0]
        assert torch.allclose(layer(hidden, inputs=inputs, inputs_mask=mask)[0], expected)
        nothing = layer(hidden, inputs=inputs, inputs_mask=torch.zeros_like(mask))[0]
        assert torch.allclose(nothing, layer(hidden, inputs=inputs[:, :0])[0])

    def test_names_of_weights_are_those_of_a_layer_without(self):
        assert list(self.build().state_dict()) == list(build().state_dict())

    def test_inputs_of_other_channels_and_self_attention_are_refused(self):
        with pytest.raises(ConfigurationError, match=r"as the latents \(6\).* received inputs of 7 channels"):
            build(latents_as_keys=True)
        with pytest.raises(ConfigurationError, match=r"`latents_as_keys` .* received self-attention"):
            build(cross=False, latents_as_keys=True)
